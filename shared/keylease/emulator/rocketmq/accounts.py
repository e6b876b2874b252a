"""RocketMQ accounts. GetInstanceAccount answers the password, as the real service seems to."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue, SecretStr

from keylease.emulator.call import Call
from keylease.emulator.envelope import Payload
from keylease.emulator.refusal import missing
from keylease.emulator.rocketmq.instances import (
    DONE,
    account_named,
    acl_instance,
    paged,
    path_value,
    usable_instance,
)
from keylease.emulator.world import MqAccount, MqInstance

STATUSES = ("ENABLE", "DISABLE")


def create(call: Call) -> Payload:
    instance = acl_instance(call)
    document = call.document()
    account = MqAccount(
        username=call.required_text(document, "username"),
        password=SecretStr(call.required_text(document, "password")),
        remark=call.text(document, "remark") or "",
    )
    _demand_room(call, instance=instance, username=account.username)
    call.live.rocketmq.put(_with_accounts(instance, (*instance.accounts, account)))
    return DONE


def get(call: Call) -> Payload:
    instance = usable_instance(call)
    username = call.parameters.get("username") or _default_username(instance)
    account = account_named(call, instance=instance, username=username)
    masked = call.live.settings.masks_passwords
    return {
        "data": {
            "username": account.username,
            "password": "******" if masked else account.password.get_secret_value(),
            "accountStatus": account.account_status,
            "remark": account.remark,
        }
    }


def update(call: Call) -> Payload:
    instance = usable_instance(call)
    username = path_value(call, "username")
    account = account_named(call, instance=instance, username=username)
    changed = account.model_copy(update=_changes(call))
    accounts = tuple(changed if row is account else row for row in instance.accounts)
    call.live.rocketmq.put(_with_accounts(instance, accounts))
    return DONE


def delete(call: Call) -> Payload:
    instance = usable_instance(call)
    account = account_named(call, instance=instance, username=path_value(call, "username"))
    if account.account_type == "DEFAULT":
        raise call.refusal(
            call.live.settings.codes.protected_account, "The instance account cannot be deleted."
        )
    without = tuple(row for row in instance.accounts if row is not account)
    cleared = _without_rules(call, instance=instance, username=account.username)
    call.live.rocketmq.put(_with_accounts(cleared, without))
    return DONE


def list_all(call: Call) -> Payload:
    instance = usable_instance(call)
    wanted = call.parameters
    rows: list[JsonValue] = [
        {
            "regionId": instance.region,
            "instanceId": instance.id,
            "username": account.username,
            "accountType": account.account_type,
            "accountStatus": account.account_status,
            "remark": account.remark,
        }
        for account in instance.accounts
        if wanted.get("username", "") in account.username
        and wanted.get("accountType") in (None, "", account.account_type)
        and wanted.get("accountStatus") in (None, "", account.account_status)
    ]
    return paged(call, rows)


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "CreateInstanceAccount": create,
    "GetInstanceAccount": get,
    "UpdateInstanceAccount": update,
    "DeleteInstanceAccount": delete,
    "ListInstanceAccount": list_all,
}


def _demand_room(call: Call, *, instance: MqInstance, username: str) -> None:
    codes = call.live.settings.codes
    if any(account.username == username for account in instance.accounts):
        raise call.refusal(codes.duplicate_account, "The instance account already exists.")
    if len(instance.accounts) >= instance.account_limit:
        raise call.refusal(codes.account_quota, "The instance has too many accounts.")


def _changes(call: Call) -> Mapping[str, object]:
    """Only what the query carries changes."""
    changes: dict[str, object] = {}
    if "password" in call.parameters:
        if not call.parameters["password"]:
            raise missing("password")
        changes["password"] = SecretStr(call.parameters["password"])
    if "accountStatus" in call.parameters:
        if call.parameters["accountStatus"] not in STATUSES:
            raise call.bad_parameter("accountStatus")
        changes["account_status"] = call.parameters["accountStatus"]
    if "remark" in call.parameters:
        changes["remark"] = call.parameters["remark"]
    return changes


def _default_username(instance: MqInstance) -> str:
    return next(row.username for row in instance.accounts if row.account_type == "DEFAULT")


def _without_rules(call: Call, *, instance: MqInstance, username: str) -> MqInstance:
    """What happens to the rules of a removed account is not documented, so the world chooses."""
    removal = call.live.settings.account_removal
    others = tuple(rule for rule in instance.rules if rule.username != username)
    if removal == "refused_with_rules" and len(others) < len(instance.rules):
        raise call.refusal(
            call.live.settings.codes.account_has_rules, "The account still has ACL rules."
        )
    return instance.model_copy(update={"rules": others}) if removal == "removes_rules" else instance


def _with_accounts(instance: MqInstance, accounts: tuple[MqAccount, ...]) -> MqInstance:
    return instance.model_copy(update={"accounts": accounts})
