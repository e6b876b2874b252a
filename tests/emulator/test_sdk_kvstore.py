"""The official R-kvstore SDK, sync and async, drives every operation; so does a form body."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from keylease.emulator import Emulator
from tests.emulator.raw import Raw, send
from tests.emulator.sdk import PASSWORD, REDIS, Body, Sdk, redis_status


async def create(sdk: Sdk, name: str = "app1", **more: object) -> Body:
    parameters = {"instance_id": REDIS, "account_name": name, "account_password": PASSWORD}
    return await sdk.kvstore("create_account", **parameters, **more)


async def settled(emulator: Emulator) -> None:
    emulator.clock.advance(timedelta(seconds=1))


async def shown(sdk: Sdk, name: str = "app1") -> Body:
    body = await sdk.kvstore("describe_accounts", instance_id=REDIS, account_name=name)
    account: Body = body["Accounts"]["Account"][0]
    return account


async def test_a_new_account_answers_with_both_spellings_of_its_name(either_sdk: Sdk) -> None:
    created = await create(either_sdk)

    assert (created["AcountName"], created["AccountName"]) == ("app1", "app1")
    assert created["InstanceId"] == REDIS


async def test_an_account_lives_its_whole_life(emulator: Emulator, either_sdk: Sdk) -> None:
    of_account = {"instance_id": REDIS, "account_name": "app1"}

    await create(either_sdk, account_privilege="RoleReadOnly", account_description="订单-svc_1")
    created = await shown(either_sdk)
    await settled(emulator)
    available = await shown(either_sdk)
    await either_sdk.kvstore(
        "grant_account_privilege", **of_account, account_privilege="RoleReadWrite"
    )
    await settled(emulator)
    await either_sdk.kvstore(
        "reset_account_password", **of_account, account_password="Bb2_newPass+x=1"
    )
    await settled(emulator)
    await either_sdk.kvstore(
        "modify_account_password",
        **of_account,
        old_account_password="Bb2_newPass+x=1",
        new_account_password=PASSWORD,
    )
    await settled(emulator)
    await either_sdk.kvstore(
        "modify_account_description", **of_account, account_description="other"
    )
    changed = await shown(either_sdk)
    await either_sdk.kvstore("delete_account", **of_account)
    leaving = await redis_status(either_sdk, "app1")
    await settled(emulator)

    assert created == {
        "InstanceId": REDIS,
        "AccountName": "app1",
        "AccountDescription": "订单-svc_1",
        "AccountStatus": "Unavailable",
        "AccountType": "Normal",
        "DatabasePrivileges": {"DatabasePrivilege": [{"AccountPrivilege": "RoleReadOnly"}]},
    }
    assert available == {**created, "AccountStatus": "Available"}
    assert changed["AccountDescription"] == "other"
    assert changed["DatabasePrivileges"]["DatabasePrivilege"] == [
        {"AccountPrivilege": "RoleReadWrite"}
    ]
    assert leaving == "Unavailable"
    assert await redis_status(either_sdk, "app1") is None


async def test_built_in_accounts_are_listed_first(sdk: Sdk) -> None:
    await create(sdk)

    body = await sdk.kvstore("describe_accounts", instance_id=REDIS)

    assert [row["AccountName"] for row in body["Accounts"]["Account"]] == [
        REDIS,
        "default",
        "app1",
    ]
    assert body["TotalCount"] == 3


async def test_accounts_are_searched_and_paged(sdk: Sdk) -> None:
    for name in ("app1", "app2", "svc1"):
        await create(sdk, name)

    body = await sdk.kvstore(
        "describe_accounts",
        instance_id=REDIS,
        search_account_name="app",
        page_number=2,
        page_size=1,
    )

    assert [row["AccountName"] for row in body["Accounts"]["Account"]] == ["app2"]
    assert (body["PageNumber"], body["PageSize"], body["TotalCount"]) == (2, 1, 2)


async def test_a_missing_account_is_an_empty_list(sdk: Sdk) -> None:
    assert await redis_status(sdk, "nobody") is None


async def test_an_instance_says_where_it_is(either_sdk: Sdk) -> None:
    body = await either_sdk.kvstore("describe_instance_attribute", instance_id=REDIS)

    [instance] = body["Instances"]["DBInstanceAttribute"]
    assert instance["ConnectionDomain"] == "r-demo0001.redis.rds.aliyuncs.com"
    assert (instance["Port"], instance["EngineVersion"]) == (6379, "7.0")
    assert (instance["InstanceStatus"], instance["InstanceType"]) == ("Normal", "Redis")


async def test_instances_are_listed(either_sdk: Sdk) -> None:
    body = await either_sdk.kvstore(
        "describe_instances",
        region_id="cn-hangzhou",
        instance_ids=REDIS,
        global_instance=False,
    )

    assert [row["InstanceId"] for row in body["Instances"]["KVStoreInstance"]] == [REDIS]


@pytest.mark.parametrize("transport", [Raw.kvstore, Raw.kvstore_form])
async def test_query_and_form_body_carry_the_same_parameters(
    emulator: Emulator, transport: Callable[..., Raw]
) -> None:
    parameters = {"InstanceId": REDIS, "AccountName": "app1", "AccountPassword": PASSWORD}

    created = await send(emulator.url, transport("CreateAccount", **parameters))

    assert (created.status, created.body["AccountName"]) == (200, "app1")


async def test_query_and_form_body_are_merged(emulator: Emulator) -> None:
    form = Raw.kvstore_form("CreateAccount", AccountPassword=PASSWORD)

    created = await send(
        emulator.url, form.changed(query={"InstanceId": REDIS, "AccountName": "app1"})
    )

    assert (created.status, created.body["AccountName"]) == (200, "app1")


async def test_the_query_wins_over_the_form_body(emulator: Emulator) -> None:
    form = Raw.kvstore_form("DescribeAccounts", InstanceId="r-nowhere", AccountName="default")

    read = await send(emulator.url, form.changed(query={"InstanceId": REDIS}))

    assert [row["AccountName"] for row in read.body["Accounts"]["Account"]] == ["default"]


async def test_get_is_accepted_for_rpc(emulator: Emulator) -> None:
    read = Raw.kvstore("DescribeAccounts", InstanceId=REDIS)

    assert (await send(emulator.url, read.changed(method="GET"))).status == 200


async def test_unknown_parameters_of_older_clients_are_ignored(emulator: Emulator) -> None:
    read = Raw.kvstore("DescribeAccounts", InstanceId=REDIS, RegionId="cn-hangzhou", OwnerId="1")

    assert (await send(emulator.url, read)).status == 200
