"""Retries, deadlines, limits, endpoints and silence of the signing client."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from keylease.adapters.alibaba.client import Limits
from keylease.adapters.alibaba.credentials import Key
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.alibaba.rocketmq import RocketMq
from keylease.adapters.alibaba.tair import Tair
from keylease.domain.secret import Secret
from keylease.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.http import HttpRequest, HttpResponse
from tests.adapters.alibaba.parts import CountingIds, StandingClock, client_over, quick
from tests.support.respx_http import RespxHttp

CANARY = "Canary-9f2c!"
DONE = httpx.Response(200, json={"requestId": "R-1", "success": True, "data": True})
TOPIC = httpx.Response(200, json={"requestId": "R-1", "success": True, "data": {"topicName": "t"}})
THROTTLED = httpx.Response(400, json={"Code": "Throttling.User", "RequestId": "R-0"})


def mq(http: RespxHttp, limits: Limits | None = None) -> RocketMq:
    client = client_over(http, limits=limits or quick())
    return RocketMq(client=client, region="cn-hangzhou", instance="rmq-1")


@pytest.fixture
async def logs() -> AsyncIterator[LogCapture]:
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(processors=before)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("broken"),
        httpx.Response(503, text="<html>"),
        httpx.Response(200, text='{"trunc'),
        httpx.Response(400, json={"Code": "SignatureNonceUsed"}),
        THROTTLED,
    ],
    ids=["refused", "broken", "503", "truncated", "nonce", "throttled"],
)
async def test_a_read_is_tried_again_with_a_new_date_and_nonce(
    fault: httpx.Response | Exception,
) -> None:
    http = RespxHttp()
    http.router.get().mock(side_effect=[fault, TOPIC])

    topic = await mq(http).get_topic("t")

    assert topic.topic_name == "t"
    nonces = [request.headers["x-acs-signature-nonce"] for request in http.sent]
    assert nonces == ["n-0001", "n-0002"]
    signatures = {request.headers["authorization"] for request in http.sent}
    assert len(signatures) == 2


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), THROTTLED])
async def test_a_write_that_surely_did_nothing_is_tried_again(
    fault: httpx.Response | Exception,
) -> None:
    http = RespxHttp()
    http.router.delete().mock(side_effect=[fault, DONE])

    await mq(http).delete_instance_account("u")

    assert len(http.sent) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.ReadError("broken"), ProviderAmbiguous),
        (httpx.Response(500, text=""), ProviderAmbiguous),
        (httpx.Response(200, text='{"trunc'), ProviderAmbiguous),
        (httpx.Response(400, json={"Code": "SignatureNonceUsed"}), ProviderAmbiguous),
        (httpx.Response(400, json={"Code": "TaskExists"}), ProviderBusy),
        (httpx.Response(400, json={"Code": "Bad.Thing"}), ProviderRefused),
    ],
    ids=["broken", "500", "truncated", "nonce", "busy-object", "refused"],
)
async def test_any_other_write_is_never_repeated(
    fault: httpx.Response | Exception, error: type[ProviderError]
) -> None:
    http = RespxHttp()
    http.router.delete().mock(side_effect=[fault, DONE])

    with pytest.raises(error):
        await mq(http).delete_instance_account("u")

    assert len(http.sent) == 1


async def test_attempts_are_counted_and_end() -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=httpx.Response(503, text=""))

    with pytest.raises(ProviderTransient):
        await mq(http, quick(attempts=3)).get_topic("t")

    assert len(http.sent) == 3


async def test_retry_after_is_waited_for_without_blocking_the_loop() -> None:
    http = RespxHttp()
    throttled = httpx.Response(
        400, json={"Code": "Throttling.User"}, headers={"x-acs-retry-after": "300"}
    )
    http.router.get().mock(side_effect=[throttled, TOPIC])
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    started = time.monotonic()
    ticking = asyncio.ensure_future(tick())
    await mq(http).get_topic("t")
    ticking.cancel()

    assert time.monotonic() - started >= 0.3
    assert ticks >= 10


async def test_a_wait_that_does_not_fit_the_deadline_is_the_callers() -> None:
    http = RespxHttp()
    throttled = httpx.Response(
        400, json={"Code": "Throttling.User"}, headers={"x-acs-retry-after": "60000"}
    )
    http.router.get().mock(return_value=throttled)
    started = time.monotonic()

    with pytest.raises(ProviderBusy) as raised:
        await mq(http, quick(deadline=5.0)).get_topic("t")

    assert raised.value.retry_after == 60.0
    assert time.monotonic() - started < 1.0
    assert len(http.sent) == 1


async def test_waits_grow_with_full_jitter() -> None:
    waits: list[float] = []
    loop = asyncio.get_running_loop()

    class Timed(RespxHttp):
        async def send(self, request: HttpRequest, /) -> HttpResponse:
            waits.append(loop.time())
            return await super().send(request)

    http = Timed()
    http.router.get().mock(return_value=httpx.Response(503, text=""))
    limits = Limits(attempts=4, first_wait=0.08, longest_wait=0.2)
    client = client_over(http, limits=limits, ids=CountingIds(share=0.5))

    with pytest.raises(ProviderTransient):
        await RocketMq(client=client, region="cn-hangzhou", instance="rmq-1").get_topic("t")

    gaps = [after - before for before, after in pairwise(waits)]
    for gap, expected in zip(gaps, [0.04, 0.08, 0.1], strict=True):
        assert expected <= gap < expected + 0.06


class Gate:
    """An Http that counts who is inside and lets nobody out until told."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.total = 0
        self.open = asyncio.Event()

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        del request
        self.inside += 1
        self.total += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1
        return HttpResponse(status=200, body=TOPIC.content)


async def test_one_instance_is_called_a_few_times_at_once_and_others_do_not_wait() -> None:
    gate = Gate()
    client = client_over(gate, limits=quick(per_instance=2))
    one, other = (
        RocketMq(client=client, region="cn-hangzhou", instance=name) for name in ("a", "b")
    )

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(one.get_topic("t"))
        group.create_task(other.get_topic("t"))
        await asyncio.sleep(0.05)
        inside = gate.inside
        gate.open.set()

    assert (inside, gate.total) == (3, 7)


async def test_waiting_for_a_turn_ends_with_the_deadline() -> None:
    gate = Gate()
    client = client_over(gate, limits=quick(per_instance=1, deadline=0.1))
    busy = RocketMq(client=client, region="cn-hangzhou", instance="a")
    holding = asyncio.ensure_future(busy.get_topic("t"))
    await asyncio.sleep(0)

    with pytest.raises(ProviderTransient, match="DeadlinePassed"):
        await busy.get_topic("t")

    gate.open.set()
    await holding
    assert (await busy.get_topic("t")).topic_name == "t"


async def test_a_cancelled_call_gives_its_turn_back() -> None:
    gate = Gate()
    client = client_over(gate, limits=quick(per_instance=1))
    busy = RocketMq(client=client, region="cn-hangzhou", instance="a")
    for _ in range(3):
        task = asyncio.ensure_future(busy.get_topic("t"))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gate.open.set()

    assert (await busy.get_topic("t")).topic_name == "t"


async def test_an_attempt_gets_what_is_left_of_the_deadline() -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=TOPIC)

    await mq(http, quick(deadline=2.0, attempt=10.0)).get_topic("t")

    assert 1.0 < http.sent[0].timeout <= 2.0


async def test_a_call_is_logged_once_with_what_a_support_case_needs(logs: LogCapture) -> None:
    http = RespxHttp()
    http.router.get().mock(side_effect=[THROTTLED, TOPIC])

    await mq(http).get_topic("t")

    (entry,) = [entry for entry in logs.entries if entry["event"] == "cloud.called"]
    assert entry.pop("ms") >= 0
    assert entry == {
        "event": "cloud.called",
        "log_level": "info",
        "operation": "GetTopic",
        "instance": "rmq-1",
        "status": 200,
        "code": "",
        "cloud_request_id": "R-1",
        "attempts": 2,
    }


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError(CANARY),
        httpx.ConnectError(CANARY),
        httpx.Response(400, json={"Code": "Bad.Thing", "Message": CANARY}),
        httpx.Response(500, text=CANARY),
        httpx.Response(200, text=f'{{"data": "{CANARY}"'),
        httpx.Response(200, json={"requestId": {"a": CANARY}, "data": CANARY}),
    ],
    ids=["broken", "refused", "400", "500", "truncated", "wrong-shape"],
)
async def test_a_password_is_in_no_log_exception_or_repr_of_a_failing_call(
    fault: httpx.Response | Exception, logs: LogCapture
) -> None:
    http = RespxHttp()
    http.router.route().mock(side_effect=fault if isinstance(fault, Exception) else [fault] * 9)
    client = client_over(
        http, limits=quick(), key=Key(id="id", secret=Secret(CANARY), token=Secret(CANARY))
    )
    rocketmq = RocketMq(client=client, region="cn-hangzhou", instance="rmq-1")
    redis = Tair(client=client, region="cn-hangzhou", instance="r-1", passwords_in_query=True)
    password = Secret(CANARY)
    seen = [repr(rocketmq), repr(redis)]

    for call in (
        rocketmq.update_instance_account("u", password=password),
        rocketmq.create_instance_account("u", password=password),
        rocketmq.get_instance_account("u"),
        redis.reset_account_password("u", password=password),
    ):
        with pytest.raises(ProviderError) as raised:
            await call
        seen += [str(raised.value), repr(raised.value), repr(vars(raised.value))]

    said = " ".join(seen) + repr(logs.entries) + repr(http.sent)
    assert CANARY not in said
    assert httpx.QueryParams({"p": CANARY})["p"] == CANARY
    assert str(httpx.QueryParams({"p": CANARY})).removeprefix("p=") not in said


@pytest.mark.parametrize(
    ("endpoints", "region", "product", "expected"),
    [
        (Endpoints(), "cn-hangzhou", "rocketmq", "https://rocketmq.cn-hangzhou.aliyuncs.com"),
        (Endpoints(), "cn-guangzhou\t", "rocketmq", "https://rocketmq.cn-guangzhou.aliyuncs.com"),
        (
            Endpoints(network="vpc"),
            "cn-hangzhou",
            "rocketmq",
            "https://rocketmq-vpc.cn-hangzhou.aliyuncs.com",
        ),
        (Endpoints(), "cn-hangzhou", "r-kvstore", "https://r-kvstore.aliyuncs.com"),
        (Endpoints(), "eu-west-1", "r-kvstore", "https://r-kvstore.eu-west-1.aliyuncs.com"),
        (
            Endpoints(network="vpc"),
            "cn-hangzhou",
            "r-kvstore",
            "https://r-kvstore-vpc.cn-hangzhou.aliyuncs.com",
        ),
        (Endpoints(), "", "sts", "https://sts.aliyuncs.com"),
        (Endpoints(), "cn-beijing", "sts", "https://sts.cn-beijing.aliyuncs.com"),
        (
            Endpoints(given={"rocketmq": "http://127.0.0.1:8099/"}),
            "",
            "rocketmq",
            "http://127.0.0.1:8099",
        ),
        (Endpoints(given={"rocketmq": "my.host:443\t"}), "", "rocketmq", "https://my.host:443"),
    ],
)
def test_a_host_comes_from_the_rule_unless_it_is_given(
    endpoints: Endpoints, region: str, product: str, expected: str
) -> None:
    assert endpoints.base(product, region=region) == expected


def test_a_region_is_needed_where_no_host_is_given() -> None:
    with pytest.raises(Misconfigured, match="no region for rocketmq"):
        Endpoints().base("rocketmq", region=" ")


async def test_an_emulator_with_a_port_gets_its_own_host_header() -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=TOPIC)
    client = client_over(http, endpoints=Endpoints(given={"rocketmq": "http://127.0.0.1:8099"}))

    await RocketMq(client=client, region="", instance="rmq-1").get_topic("t")

    assert http.sent[0].headers["host"] == "127.0.0.1:8099"
    assert http.sent[0].url == "http://127.0.0.1:8099/instances/rmq-1/topics/t"


async def test_the_date_is_the_clocks_in_utc() -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=TOPIC)
    clock = StandingClock()

    await RocketMq(
        client=client_over(http, clock=clock), region="cn-hangzhou", instance="rmq-1"
    ).get_topic("t")

    assert http.sent[0].headers["x-acs-date"] == "2026-01-02T03:04:05Z"
