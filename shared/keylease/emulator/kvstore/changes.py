"""Changes to a Redis account that exists: password, privilege, description."""

import hmac
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from keylease.emulator.call import Call
from keylease.emulator.envelope import Payload
from keylease.emulator.kvstore.accounts import account_named, put_account, with_account
from keylease.emulator.kvstore.instances import changeable_instance
from keylease.emulator.kvstore.rules import valid_description, valid_password, valid_privilege
from keylease.emulator.refusal import Refusal
from keylease.emulator.world import RedisAccount


def reset_password(call: Call) -> Payload:
    instance = changeable_instance(call)
    password = valid_password(call)
    account = account_named(call, instance=instance)
    _demand_settled(account)
    changed = account.model_copy(update={"password": SecretStr(password)})
    put_account(call, instance=instance, account=changed)
    return {}


def modify_password(call: Call) -> Payload:
    instance = changeable_instance(call)
    password = valid_password(call, "NewAccountPassword")
    account = account_named(call, instance=instance)
    _demand_settled(account)
    old = call.required("OldAccountPassword")
    if not hmac.compare_digest(old.encode(), account.password.get_secret_value().encode()):
        raise Refusal("IncorrectPassword", "The Password provided is not correct.")
    changed = account.model_copy(update={"password": SecretStr(password)})
    put_account(call, instance=instance, account=changed)
    return {}


def grant(call: Call) -> Payload:
    instance = changeable_instance(call)
    if not instance.supports_grants:
        raise Refusal(
            "IncorrectMinorVersion", "Current engine minor version does not support operations."
        )
    privilege = valid_privilege(
        call.required("AccountPrivilege"), code="InvalidAccountPrivilege.Format"
    )
    account = account_named(call, instance=instance)
    if account.built_in:
        raise Refusal(
            "IncorrectAccount", "Current DB instance account does not support this operation."
        )
    _demand_settled(account)
    changed = account.model_copy(update={"privilege": privilege})
    put_account(call, instance=instance, account=changed)
    return {}


def describe_anew(call: Call) -> Payload:
    """A new description holds at once; nothing settles."""
    instance = changeable_instance(call)
    description = valid_description(call.required("AccountDescription"))
    account = account_named(call, instance=instance)
    changed = account.model_copy(update={"description": description})
    call.live.redis.put(with_account(instance, changed))
    return {}


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "ResetAccountPassword": reset_password,
    "ModifyAccountPassword": modify_password,
    "GrantAccountPrivilege": grant,
    "ModifyAccountDescription": describe_anew,
}


def _demand_settled(account: RedisAccount) -> None:
    if account.settles_at is not None:
        raise Refusal("TaskExists", "Specified task have existed.")
