"""Events to EventBridge: the official SDK's wire shape, its model of the answer, and failures."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from aiohttp import web
from alibabacloud_eventbridge20200401 import models
from alibabacloud_eventbridge20200401.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest

from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.alibaba.eventbridge import EventBridgeSink
from keylease.adapters.system.http import AiohttpHttp
from keylease.domain.events import Event, LeaseActivated
from keylease.errors import (
    KeyleaseError,
    ProviderBusy,
    ProviderDenied,
    ProviderTransient,
)
from keylease.ports.http import Http
from tests.adapters.alibaba.parts import client_over, quick
from tests.support.build import NOW
from tests.support.respx_http import RespxHttp

BUS, SOURCE = "keylease", "https://keylease.example.com"
PUBLIC = "https://eventbridge-console.cn-hangzhou.aliyuncs.com/"
EVENT = Event(
    id="evt-1",
    type="io.keylease.lease.activated.v1",
    subject="req-1",
    time=NOW,
    data={"request_id": "req-1", "lease_id": "lease-1", "why": "zürich & co = 100 %+~*"},
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
TAKEN = {
    "Code": "Success",
    "RequestId": "R-1",
    "Success": True,
    "Data": {"FailedEntryCount": 0, "EntryList": [{"EventId": "evt-1", "TraceId": "t-1"}]},
}


def sink(http: Http, *, url: str = "") -> EventBridgeSink:
    endpoints = Endpoints(given={"eventbridge-console": url} if url else {})
    client = client_over(http, endpoints=endpoints, limits=quick(attempts=2))
    return EventBridgeSink(client=client, bus=BUS, region="cn-hangzhou", source=SOURCE)


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def kind(self) -> tuple[str, ...]:
        names = ("x-acs-action", "x-acs-version", "content-type")
        return self.method, self.path, *(self.headers[name] for name in names)

    @property
    def form(self) -> dict[str, Any]:
        fields = parse_qs(self.body.decode(), strict_parsing=True)
        assert all(len(values) == 1 for values in fields.values())
        return {
            name: json.loads(value) if name == "EventList" else value
            for name, (value,) in fields.items()
        }


@asynccontextmanager
async def counterpart() -> AsyncIterator[tuple[str, list[Received]]]:
    """A service that takes everything, and what it was sent."""
    seen: list[Received] = []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append(Received(request.method, request.path, headers, await request.read()))
        return web.json_response(TAKEN)

    app = web.Application()
    app.add_routes([web.route("*", "/{rest:.*}", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


async def officially(url: str, /) -> models.PutEventsResponse:
    """The same event by the official SDK."""
    config = Config(
        access_key_id="testid",
        access_key_secret="testsecret",  # the emulator's
        endpoint=url.removeprefix("http://"),
        protocol="http",
    )
    entry = models.PutEventsRequestEventList(
        id="evt-1",
        source=SOURCE,
        type=EVENT.type,
        spec_version="1.0",
        data_content_type="application/json",
        subject="req-1",
        time=NOW.isoformat().replace("+00:00", "Z"),
        data=EVENT.data,
    )
    request = models.PutEventsRequest(event_bus_name=BUS, event_list=[entry])
    return await Client(config).put_events_async(request)


async def test_it_sends_what_the_official_sdk_sends() -> None:
    async with counterpart() as (url, seen), AiohttpHttp() as http:
        answer = await officially(url)
        await sink(http, url=url).deliver(EVENT)

    official, ours = seen
    assert answer.body.data.failed_entry_count == 0
    assert ours.kind == official.kind
    assert ours.form == official.form
    assert ours.form["EventList"][0]["Data"] == EVENT.data


async def test_the_official_signer_signs_it_alike() -> None:
    async with counterpart() as (url, seen), AiohttpHttp() as http:
        await sink(http, url=url).deliver(EVENT)
    (ours,) = seen

    signed = ours.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    again = DaraRequest()
    again.method, again.pathname, again.query = ours.method, ours.path, {}
    again.headers = {name: ours.headers[name] for name in signed.split(";")}
    expected = Utils.get_authorization(
        again,
        "ACS3-HMAC-SHA256",
        ours.headers["x-acs-content-sha256"],
        "testid",
        "testsecret",
    )

    assert ours.headers["authorization"] == expected


async def test_no_field_is_unknown_to_the_official_model() -> None:
    http = RespxHttp()
    http.router.post(PUBLIC).respond(json=TAKEN)

    await sink(http).deliver(EVENT)

    (entry,) = Received("POST", "/", {}, http.sent[0].body).form["EventList"]
    read = models.PutEventsRequestEventList().from_map(entry)
    assert read.to_map() == entry


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"ErrorCode": "EventBusNotExist"}, ProviderTransient, "EventBusNotExist"),
        ({"ErrorCode": "Throttling.Api"}, ProviderBusy, "Throttling.Api"),
        ({}, ProviderTransient, "FailedEntry"),
        ({"ErrorCode": None}, ProviderTransient, "FailedEntry"),
    ],
)
async def test_an_event_that_was_not_taken_under_http_200_is_sent_again(
    answer: dict[str, Any], kind: type[KeyleaseError], code: str
) -> None:
    http, failed = RespxHttp(), {"FailedEntryCount": 1, "EntryList": [answer]}
    http.router.post(PUBLIC).respond(json={**TAKEN, "Data": failed})

    with pytest.raises(kind) as failure:
        await sink(http).deliver(EVENT)

    assert str(failure.value) == f"eventbridge: {code} (request id R-1)"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, json={"RequestId": "R-1", "Success": True}), ProviderTransient),
        (httpx.Response(200, json={"Code": "EventBusNotExist", "Success": False}), KeyleaseError),
        (httpx.Response(200, text="<html>"), ProviderTransient),
        (httpx.Response(503), ProviderTransient),
        (httpx.Response(403, json={"Code": "NoPermission"}), ProviderDenied),
        (httpx.ReadError("broken"), ProviderTransient),
    ],
    ids=["no data", "not done", "no json", "503", "denied", "broken"],
)
async def test_an_answer_that_takes_nothing_is_no_delivery(
    response: httpx.Response | Exception, kind: type[KeyleaseError]
) -> None:
    http = RespxHttp()
    http.router.post(PUBLIC).mock(side_effect=[response] * 2)

    with pytest.raises(kind):
        await sink(http).deliver(EVENT)


async def test_null_is_as_good_as_absent() -> None:
    entry = {"EventId": "evt-1", "TraceId": None, "ErrorCode": None, "ErrorMessage": None}
    http = RespxHttp()
    http.router.post(PUBLIC).mock(
        side_effect=[
            httpx.Response(200, json={**TAKEN, "Message": None, "Data": data})
            for data in (
                {"FailedEntryCount": 0, "EntryList": [entry]},
                {"FailedEntryCount": None, "EntryList": None},
            )
        ]
    )

    await sink(http).deliver(EVENT)
    await sink(http).deliver(EVENT)

    assert len(http.sent) == 2


async def test_the_second_answer_counts_when_the_first_was_lost() -> None:
    http = RespxHttp()
    http.router.post(PUBLIC).mock(
        side_effect=[httpx.ReadError("broken"), httpx.Response(200, json=TAKEN)]
    )

    await sink(http).deliver(EVENT)

    assert [request.body for request in http.sent] == [http.sent[0].body] * 2


def test_the_event_of_these_tests_is_one_that_sinks_get() -> None:
    assert LeaseActivated.type == EVENT.type
    assert LeaseActivated.is_result
