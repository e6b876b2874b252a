"""Redis instances: how an operation finds its own, and the two calls that describe them."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import JsonValue

from keylease.emulator.call import Call, page
from keylease.emulator.envelope import Payload
from keylease.emulator.live import engine_major
from keylease.emulator.refusal import Refusal
from keylease.emulator.world import RedisInstance

FIRST_ENGINE_WITH_ACCOUNTS = 4
DEFAULT_PAGE_SIZE = 30
LARGEST_PAGE = 50
CREATED_AT = "2026-01-01T00:00:00Z"


def instance_of(call: Call) -> RedisInstance:
    instance_id = call.required("InstanceId")
    shelf = call.live.redis
    found = shelf.get_stale(instance_id) if call.is_stale else shelf.get(instance_id)
    if found is None or found.status == "Released":
        raise Refusal(
            "InvalidInstanceId.NotFound",
            "The InstanceId provided does not exist in our records.",
            status=404,
        )
    return found


def changeable_instance(call: Call) -> RedisInstance:
    """An instance on which account work may start now."""
    instance = instance_of(call)
    if engine_major(instance) < FIRST_ENGINE_WITH_ACCOUNTS:
        raise Refusal(
            "InvalidEngineVersion.Format", "Current EngineVersion does not support operations."
        )
    if not instance.supports_accounts:
        raise Refusal(
            "InvalidDBInstanceAccountMode.Format",
            "Current DB instance AccountMode does not support this operation.",
        )
    if instance.lock_mode != "Unlock":
        raise Refusal(
            "IncorrectDBInstanceLockMode",
            "Current DB instance lock mode does not support this operation.",
        )
    if status_at(instance, now=call.now) != "Normal":
        raise Refusal(
            "IncorrectDBInstanceState",
            "Current DB instance state does not support this operation.",
        )
    return instance


def status_at(instance: RedisInstance, *, now: datetime) -> str:
    is_changing = instance.changing_until is not None and now < instance.changing_until
    return "Changing" if is_changing else instance.status


def describe_attribute(call: Call) -> Payload:
    instance = instance_of(call)
    shown = {
        **_described(instance, now=call.now),
        "Engine": "Redis",
        "HasRenewChangeOrder": "false",
        "ReadOnlyCount": 0,
    }
    return {"Instances": {"DBInstanceAttribute": [shown]}}


def describe_all(call: Call) -> Payload:
    _demand_known_region(call)
    ids = [part for part in call.parameters.get("InstanceIds", "").split(",") if part]
    rows: list[JsonValue] = [
        {**_described(instance, now=call.now), "ReadOnlyCount": "0", "HasRenewChangeOrder": False}
        for instance in call.live.redis.all()
        if (not ids or instance.id in ids) and instance.status != "Released"
    ]
    number = call.number("PageNumber", default=1, highest=10**8)
    size = call.number("PageSize", default=DEFAULT_PAGE_SIZE, highest=LARGEST_PAGE)
    here, total = page(rows, number=number, size=size)
    return {
        "PageNumber": number,
        "PageSize": size,
        "TotalCount": total,
        "Instances": {"KVStoreInstance": here},
    }


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "DescribeInstanceAttribute": describe_attribute,
    "DescribeInstances": describe_all,
}


def _demand_known_region(call: Call) -> None:
    region = call.parameters.get("RegionId")
    known = {instance.region for instance in call.live.redis.all()}
    if region and region not in known:
        raise Refusal(
            "InvalidRegion.NotFound",
            "The RegionId or ZoneId provided does not exist in our records.",
            status=404,
        )


def _described(instance: RedisInstance, *, now: datetime) -> dict[str, JsonValue]:
    return {
        "InstanceId": instance.id,
        "InstanceName": instance.name,
        "InstanceStatus": status_at(instance, now=now),
        "InstanceType": "Redis",
        "EngineVersion": instance.engine_version,
        "ArchitectureType": "standard",
        "RegionId": instance.region,
        "ConnectionDomain": instance.connection_domain,
        "Port": instance.port,
        "NetworkType": "VPC",
        "VpcId": "vpc-demo0001",
        "VSwitchId": "vsw-demo0001",
        "VpcAuthMode": "Open",
        "ChargeType": "PostPaid",
        "CreateTime": CREATED_AT,
        "Tags": {"Tag": []},
    }
