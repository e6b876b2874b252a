"""Each planned fault, as the official SDK and a bare client meet it."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from alibabacloud_rocketmq20220801 import models as mq
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException, ThrottlingException
from darabonba.exceptions import UnretryableException

from keylease.emulator import Emulator, FaultKind, FaultPlan
from keylease.emulator.faults import Faults
from tests.emulator.raw import Raw, send
from tests.emulator.sdk import (
    INSTANCE,
    REDIS,
    Sdk,
    code_of,
    create_account,
    create_rule,
    redis_status,
    rule_of,
)

LIST = mq.ListInstanceAccountRequest(account_type="CUSTOMER")
CREATE = "CreateInstanceAccount"
READ = Raw.kvstore("DescribeAccounts", InstanceId=REDIS)


async def usernames(sdk: Sdk) -> list[str]:
    body = await sdk.rocketmq("list_instance_account", INSTANCE, LIST)
    return [row["username"] for row in body["data"]["list"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(FaultKind.REFUSE, []), (FaultKind.LOST_RESPONSE, ["app"])],
)
async def test_a_broken_connection_looks_the_same_and_is_not(
    emulator: Emulator, either_sdk: Sdk, kind: FaultKind, expected: list[str]
) -> None:
    emulator.faults.plan(FaultPlan(kind=kind, operation=CREATE))

    with pytest.raises(UnretryableException):
        await create_account(either_sdk, "app")

    assert await usernames(either_sdk) == expected


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED_JSON, FaultKind.WRONG_JSON])
async def test_a_spoilt_answer_follows_work_that_was_done(
    emulator: Emulator, sdk: Sdk, kind: FaultKind
) -> None:
    emulator.faults.plan(FaultPlan(kind=kind, operation=CREATE))

    with pytest.raises((UnretryableException, AttributeError)):
        await create_account(sdk, "app")

    assert await usernames(sdk) == ["app"]


async def test_a_planned_4xx_does_nothing(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(
        FaultPlan(kind=FaultKind.CLIENT_ERROR, operation=CREATE, status=409, code="Some.Code")
    )

    assert await code_of(create_account(sdk, "app")) == (409, "Some.Code")
    assert await usernames(sdk) == []


@pytest.mark.parametrize(("is_done", "expected"), [(False, []), (True, ["app"])])
async def test_a_planned_5xx_may_hide_work_that_was_done(
    emulator: Emulator, sdk: Sdk, is_done: bool, expected: list[str]
) -> None:
    emulator.faults.plan(FaultPlan(kind=FaultKind.SERVER_ERROR, operation=CREATE, is_done=is_done))

    assert await code_of(create_account(sdk, "app")) == (500, "InternalError")
    assert await usernames(sdk) == expected


async def test_throttling_says_how_long(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(
        FaultPlan(kind=FaultKind.THROTTLE, retry_after=timedelta(milliseconds=1500))
    )

    with pytest.raises(ThrottlingException) as throttled:
        await create_account(sdk, "app")

    assert (throttled.value.code, throttled.value.retry_after) == ("Throttling.User", 1500)
    assert await usernames(sdk) == []


async def test_throttling_without_a_header(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(FaultPlan(kind=FaultKind.THROTTLE, status=429))

    with pytest.raises(AlibabaCloudException) as throttled:
        await create_account(sdk, "app")

    assert (throttled.value.status_code, throttled.value.code) == (429, "Throttling.User")
    assert not isinstance(throttled.value, ThrottlingException)


async def test_success_false_comes_under_http_200(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(FaultPlan(kind=FaultKind.SUCCESS_FALSE, code="Some.Code"))
    request = mq.CreateInstanceAccountRequest(username="app", password="p")

    body = await sdk.rocketmq("create_instance_account", INSTANCE, request)

    assert (body["success"], body["code"]) == (False, "Some.Code")
    assert await usernames(sdk) == []


async def test_rpc_success_false_comes_under_http_200(emulator: Emulator) -> None:
    emulator.faults.plan(FaultPlan(kind=FaultKind.SUCCESS_FALSE))

    reply = await send(emulator.url, READ)

    assert (reply.status, reply.body["Success"]) == (200, False)


async def test_slow_work_is_done_although_the_caller_left(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(
        FaultPlan(kind=FaultKind.SLOW, operation=CREATE, delay=timedelta(seconds=0.2))
    )

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await create_account(sdk, "app")
    before = await usernames(sdk)
    await asyncio.sleep(0.3)

    assert (before, await usernames(sdk)) == ([], ["app"])


async def test_stale_reads_answer_from_before_the_last_write(emulator: Emulator, sdk: Sdk) -> None:
    await create_account(sdk, "app")
    await create_rule(sdk, "app")
    emulator.faults.plan(FaultPlan(kind=FaultKind.STALE_READ, operation="GetInstanceAcl", times=2))

    codes = [await code_of(rule_of(sdk, "app")) for _ in range(2)]
    fresh = await rule_of(sdk, "app")

    assert codes == [(404, "InstanceAcl.NotExisted")] * 2
    assert fresh["actions"] == ["Pub"]


async def test_stale_reads_may_last_for_a_time(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(
        FaultPlan(
            kind=FaultKind.STALE_READ, operation="DescribeAccounts", lasts=timedelta(seconds=30)
        )
    )
    await sdk.kvstore(
        "create_account", instance_id=REDIS, account_name="app1", account_password="aA1aA1aA"
    )

    stale = [await redis_status(sdk, "app1") for _ in range(3)]
    emulator.clock.advance(timedelta(seconds=30))

    assert stale == [None, None, None]
    assert await redis_status(sdk, "app1") == "Available"


async def test_writes_never_work_on_a_stale_state(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(FaultPlan(kind=FaultKind.STALE_READ, times=1))

    await create_account(sdk, "app")
    await create_account(sdk, "other")
    stale = await usernames(sdk)

    assert stale == ["app"]
    assert await usernames(sdk) == ["app", "other"]


async def test_nobody_listens_while_unreachable(emulator: Emulator) -> None:
    async with emulator.unreachable():
        with pytest.raises(aiohttp.ClientConnectorError):
            await send(emulator.url, READ)

    assert (await send(emulator.url, READ)).status == 200


async def test_a_plan_names_operation_account_skip_and_times(emulator: Emulator, sdk: Sdk) -> None:
    emulator.faults.plan(
        FaultPlan(
            kind=FaultKind.CLIENT_ERROR,
            operation=CREATE,
            username="app",
            skip=1,
            times=1,
            code="Some.Code",
        )
    )

    await create_account(sdk, "other")
    await create_account(sdk, "app")
    struck = await code_of(create_account(sdk, "app"))
    after = await code_of(create_account(sdk, "app"))

    assert struck == (400, "Some.Code")
    assert after == (409, "InstanceAccount.Existed")


def struck(seed: int) -> list[bool]:
    faults = Faults(seed=seed)
    faults.plan(FaultPlan(kind=FaultKind.REFUSE, times=None, probability=0.5))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return [
        faults.strike(operation="Any", username=None, is_read=True, now=moment) is not None
        for _ in range(64)
    ]


def test_chance_is_repeatable_and_depends_on_the_seed() -> None:
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 16 < sum(struck(1)) < 48


async def test_the_journal_tells_what_happened_to_whom(emulator: Emulator, sdk: Sdk) -> None:
    await create_account(sdk, "app")
    await code_of(create_account(sdk, "app"))
    emulator.faults.plan(FaultPlan(kind=FaultKind.LOST_RESPONSE))
    with pytest.raises(UnretryableException):
        await create_account(sdk, "other")

    lines = [(e.operation, e.username, e.outcome, e.status) for e in emulator.journal.entries]

    assert lines == [
        (CREATE, "app", "OK", 200),
        (CREATE, "app", "InstanceAccount.Existed", 409),
        (CREATE, "other", "lost_response", 200),
    ]
    assert emulator.journal.entries[0].instance_id == INSTANCE
    assert emulator.journal.entries[0].access_key_id == "testid"
