"""How an operation finds its RocketMQ instance and the rows in it."""

from collections.abc import Sequence

from pydantic import JsonValue

from keylease.emulator.call import Call, page
from keylease.emulator.envelope import Payload
from keylease.emulator.refusal import Refusal, missing
from keylease.emulator.world import MqAccount, MqInstance

DEFAULT_PAGE_SIZE = 10
LARGEST_PAGE = 100
DONE: Payload = {"data": True}


def instance_of(call: Call) -> MqInstance:
    """The instance as it is, or as it was when this read is planned to be stale."""
    instance_id = path_value(call, "instanceId")
    shelf = call.live.rocketmq
    found = shelf.get_stale(instance_id) if call.is_stale else shelf.get(instance_id)
    if found is None:
        raise _no_instance(call)
    return found


def usable_instance(call: Call) -> MqInstance:
    """An instance that is not released: only GetInstance still shows those."""
    instance = instance_of(call)
    if instance.status == "RELEASED":
        raise _no_instance(call)
    return instance


def acl_instance(call: Call) -> MqInstance:
    instance = usable_instance(call)
    if "apache_acl" not in instance.acl_types:
        raise call.refusal(
            call.live.settings.codes.acl_not_enabled, "The instance does not use ACL accounts."
        )
    return instance


def account_named(call: Call, *, instance: MqInstance, username: str) -> MqAccount:
    for account in instance.accounts:
        if account.username == username:
            return account
    raise call.refusal(call.live.settings.codes.no_account, "The instance account does not exist.")


def path_value(call: Call, name: str) -> str:
    value = call.path[name]
    if not value:
        raise missing(name)
    return value


def paged(
    call: Call, rows: Sequence[JsonValue], *, default: int = DEFAULT_PAGE_SIZE, lowest: int = 1
) -> Payload:
    number = call.number("pageNumber", default=1, highest=10**8)
    size = call.number("pageSize", default=default, highest=LARGEST_PAGE, lowest=lowest)
    rows_here, total = page(rows, number=number, size=size)
    return {
        "data": {
            "pageNumber": number,
            "pageSize": size,
            "totalCount": total,
            "list": rows_here,
        }
    }


def _no_instance(call: Call) -> Refusal:
    return call.refusal(call.live.settings.codes.no_instance, "The instance cannot be found.")
