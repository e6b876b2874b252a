"""Redis account work takes time, and what may not happen meanwhile."""

from datetime import timedelta

import pytest

from keylease.emulator import Emulator
from tests.emulator.sdk import PASSWORD, REDIS, Sdk, code_of, redis_status

APP = {"instance_id": REDIS, "account_name": "app1"}
ALMOST = timedelta(seconds=59)


@pytest.fixture
def slow(emulator: Emulator) -> Emulator:
    minute = timedelta(minutes=1)
    emulator.world.change(redis_settles_after=minute, redis_removes_after=minute)
    return emulator


async def create(sdk: Sdk) -> None:
    await sdk.kvstore("create_account", **APP, account_password=PASSWORD)


async def test_a_new_account_is_available_after_a_minute(slow: Emulator, sdk: Sdk) -> None:
    await create(sdk)

    slow.clock.advance(ALMOST)
    before = await redis_status(sdk, "app1")
    slow.clock.advance(timedelta(seconds=1))
    after = await redis_status(sdk, "app1")

    assert (before, after) == ("Unavailable", "Available")


@pytest.mark.usefixtures("slow")
async def test_an_unsettled_account_cannot_be_deleted(sdk: Sdk) -> None:
    await create(sdk)

    assert await code_of(sdk.kvstore("delete_account", **APP)) == (
        403,
        "OperationDenied.AccountStatus",
    )


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("reset_account_password", {"account_password": "Bb2_newPass"}),
        ("grant_account_privilege", {"account_privilege": "RoleReadOnly"}),
        (
            "modify_account_password",
            {"old_account_password": PASSWORD, "new_account_password": "Bb2_newPass"},
        ),
    ],
)
async def test_a_second_task_has_to_wait(
    slow: Emulator, sdk: Sdk, operation: str, parameters: dict[str, object]
) -> None:
    await create(sdk)
    slow.clock.advance(timedelta(minutes=1))
    await sdk.kvstore("reset_account_password", **APP, account_password=PASSWORD)

    busy = await code_of(sdk.kvstore(operation, **APP, **parameters))
    slow.clock.advance(timedelta(minutes=1))
    accepted = await sdk.kvstore(operation, **APP, **parameters)

    assert busy == (400, "TaskExists")
    assert accepted.keys() == {"RequestId"}


async def test_a_deleted_account_stays_for_a_while(slow: Emulator, sdk: Sdk) -> None:
    await create(sdk)
    slow.clock.advance(timedelta(minutes=1))
    await sdk.kvstore("delete_account", **APP)

    slow.clock.advance(ALMOST)
    leaving = await redis_status(sdk, "app1")
    taken = await code_of(sdk.kvstore("create_account", **APP, account_password=PASSWORD))
    slow.clock.advance(timedelta(seconds=1))

    assert leaving == "Unavailable"
    assert taken == (400, "InvalidAccountName.Duplicate")
    assert await redis_status(sdk, "app1") is None


async def test_a_new_description_settles_at_once(slow: Emulator, sdk: Sdk) -> None:
    await create(sdk)
    slow.clock.advance(timedelta(minutes=1))

    await sdk.kvstore("modify_account_description", **APP, account_description="other")

    assert await redis_status(sdk, "app1") == "Available"


async def test_an_instance_may_be_changing_meanwhile(slow: Emulator, sdk: Sdk) -> None:
    slow.world.change(redis_changes_for=timedelta(seconds=30))
    await create(sdk)

    other = {"instance_id": REDIS, "account_name": "app2", "account_password": PASSWORD}
    busy = await code_of(sdk.kvstore("create_account", **other))
    shown = await sdk.kvstore("describe_instance_attribute", instance_id=REDIS)
    slow.clock.advance(timedelta(seconds=30))
    created = await sdk.kvstore("create_account", **other)

    assert busy == (400, "IncorrectDBInstanceState")
    assert shown["Instances"]["DBInstanceAttribute"][0]["InstanceStatus"] == "Changing"
    assert created["AccountName"] == "app2"
