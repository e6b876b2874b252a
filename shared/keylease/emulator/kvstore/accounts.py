"""Redis accounts: create, describe, delete. Each write settles later."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from pydantic import JsonValue, SecretStr

from keylease.emulator.call import Call, page
from keylease.emulator.envelope import Payload
from keylease.emulator.kvstore.instances import changeable_instance, instance_of
from keylease.emulator.kvstore.rules import (
    existing_name,
    valid_description,
    valid_new_name,
    valid_password,
    valid_privilege,
)
from keylease.emulator.refusal import Refusal
from keylease.emulator.world import RedisAccount, RedisInstance

DEFAULT_PAGE_SIZE = 30
LARGEST_PAGE = 100


def create(call: Call) -> Payload:
    instance = changeable_instance(call)
    account = _requested(call)
    if any(row.name == account.name for row in instance.accounts):
        raise Refusal(
            "InvalidAccountName.Duplicate",
            "Specified AccountName already exists in this instance.",
        )
    if sum(not row.built_in for row in instance.accounts) >= instance.account_limit:
        raise Refusal(
            "AccountLimitExceeded", "Exceeding the allowed amount of account.", status=403
        )
    put_account(call, instance=instance, account=account)
    # The misspelt name is the older one; current answers carry both.
    return {"InstanceId": instance.id, "AcountName": account.name, "AccountName": account.name}


def describe(call: Call) -> Payload:
    instance = instance_of(call)
    name = call.parameters.get("AccountName", "")
    part = call.parameters.get("SearchAccountName", "")
    rows: list[JsonValue] = [
        _shown(account, instance=instance)
        for account in instance.accounts
        if name in ("", account.name) and part in account.name
    ]
    number = call.number("PageNumber", default=1, highest=10**8)
    size = call.number("PageSize", default=DEFAULT_PAGE_SIZE, highest=LARGEST_PAGE)
    here, total = page(rows, number=number, size=size)
    return {
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": total,
        "Accounts": {"Account": here},
    }


def delete(call: Call) -> Payload:
    instance = changeable_instance(call)
    account = account_named(call, instance=instance)
    if account.built_in:
        raise call.refusal(
            call.live.settings.codes.built_in_account,
            "Current DB instance account does not support this operation.",
        )
    if account.settles_at is not None:
        raise Refusal(
            "OperationDenied.AccountStatus",
            "The operation is not permitted due to status of account.",
            status=403,
        )
    leaving = account.model_copy(update={"leaving": True})
    after = call.live.settings.redis_removes_after
    put_account(call, instance=instance, account=leaving, settles_after=after)
    return {}


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "CreateAccount": create,
    "DescribeAccounts": describe,
    "DeleteAccount": delete,
}


def account_named(call: Call, *, instance: RedisInstance) -> RedisAccount:
    name = existing_name(call)
    for account in instance.accounts:
        if account.name == name:
            return account
    raise Refusal(
        "InvalidAccountName.NotFound", "Specified AccountName does not exist.", status=404
    )


def put_account(
    call: Call,
    *,
    instance: RedisInstance,
    account: RedisAccount,
    settles_after: timedelta | None = None,
) -> None:
    """Store an account that settles later, and open the instance's Changing window."""
    settings = call.live.settings
    delay = settings.redis_settles_after if settles_after is None else settles_after
    unsettled = account.model_copy(update={"settles_at": call.now + delay})
    window = settings.redis_changes_for
    changing = {"changing_until": call.now + window} if window else {}
    replaced = with_account(instance, unsettled)
    call.live.redis.put(replaced.model_copy(update=changing))


def with_account(instance: RedisInstance, account: RedisAccount) -> RedisInstance:
    others = {row.name: row for row in instance.accounts}
    others[account.name] = account
    return instance.model_copy(update={"accounts": tuple(others.values())})


def _requested(call: Call) -> RedisAccount:
    if call.parameters.get("AccountType", "Normal") != "Normal":
        raise call.bad_parameter("AccountType")
    description = call.parameters.get("AccountDescription", "")
    return RedisAccount(
        name=valid_new_name(call),
        password=SecretStr(valid_password(call)),
        privilege=valid_privilege(
            call.parameters.get("AccountPrivilege", "RoleReadWrite"),
            code="InvalidAccountPrivilege.Malformed",
        ),
        description=valid_description(description) if description else "",
    )


def _shown(account: RedisAccount, *, instance: RedisInstance) -> dict[str, JsonValue]:
    return {
        "InstanceId": instance.id,
        "AccountName": account.name,
        "AccountDescription": account.description,
        "AccountStatus": "Available" if account.settles_at is None else "Unavailable",
        "AccountType": account.account_type,
        "DatabasePrivileges": {"DatabasePrivilege": [{"AccountPrivilege": account.privilege}]},
    }
