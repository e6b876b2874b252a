"""Events arrive signed and whole, and each answer says whether to try again."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks import Webhook

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.sinks.webhook import (
    WebhookSink,
    https_endpoint,
    message_id,
    retry_after,
    signature,
    unsafe_local_endpoint,
)
from keylease.domain.events import Event, RequestLapsed
from keylease.domain.secret import Secret
from keylease.errors import (
    Misconfigured,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.http import HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse

CURRENT = "whsec_wNQ5un7418xJ8NXkh1nC6+OoNj5VNmlNkLDihKQjgag="
PREVIOUS = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
VECTORS = Path(__file__).parents[2] / "vectors" / "webhooks.json"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = Event.of(
    RequestLapsed(request_id="req-1"),
    id="evt-01",
    time=NOW,
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


class Receiver:
    """An Http that answers as told and keeps what it got."""

    def __init__(self, answer: HttpResponse | Exception) -> None:
        self.answer = answer
        self.got: list[HttpRequest] = []

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answering(status: int, headers: Mapping[str, str] | None = None) -> Receiver:
    return Receiver(HttpResponse(status=status, headers=headers or {}))


def sink(
    http: Receiver, *, secrets: tuple[str, ...] = (CURRENT,), at: datetime = NOW
) -> WebhookSink:
    return WebhookSink(
        name="bus",
        endpoint=https_endpoint("https://bus.example.com/in"),
        secrets=tuple(Secret(one) for one in secrets),
        source="https://keylease.example.com",
        http=http,
        clock=ManualClock(at),
    )


def test_the_published_vector_is_what_we_sign() -> None:
    vectors = {one["id"]: one for one in json.loads(VECTORS.read_text())["vectors"]}
    vector = vectors["standard_webhooks.v1"]
    key = base64.b64decode(vector["key"].removeprefix("whsec_"))

    signed = signature(
        [key], id=vector["webhook_id"], stamp=vector["timestamp"], body=vector["body"].encode()
    )

    assert signed == vector["expected"] == "v1,r0Nag7fDsjIfudffQzZc/XQV42i+4aIq9PrxMPiNLjE="


async def test_a_receiver_verifies_the_call_with_the_reference_library() -> None:
    receiver = answering(204)
    now = datetime.now(tz=UTC)  # noqa: TID251  # the library checks against the real time

    await sink(receiver, at=now).deliver(EVENT)

    (call,) = receiver.got
    verified = Webhook(CURRENT).verify(call.body, dict(call.headers))
    assert verified["data"] == {"request_id": "req-1"}


async def test_while_a_secret_is_replaced_both_sign() -> None:
    receiver = answering(200)
    now = datetime.now(tz=UTC)  # noqa: TID251  # as above

    await sink(receiver, secrets=(CURRENT, PREVIOUS), at=now).deliver(EVENT)

    (call,) = receiver.got
    for secret in (CURRENT, PREVIOUS):
        assert Webhook(secret).verify(call.body, dict(call.headers))


async def test_the_body_is_a_cloudevent_that_the_sdk_reads() -> None:
    receiver = answering(202)

    await sink(receiver).deliver(EVENT)

    (call,) = receiver.got
    event = from_structured_event(HTTPMessage(dict(call.headers), call.body))
    assert event.get_id() == "evt-01"
    assert event.get_source() == "https://keylease.example.com"
    assert event.get_type() == "io.keylease.request.lapsed.v1"
    assert event.get_subject() == "req-1"
    assert event.get_time() == NOW
    assert event.get_data() == {"request_id": "req-1"}
    assert event.get_extension("traceparent") == EVENT.traceparent


async def test_a_retry_keeps_the_id_and_has_its_own_time() -> None:
    receiver = answering(200)

    await sink(receiver).deliver(EVENT)
    await sink(receiver, at=NOW + timedelta(minutes=5)).deliver(EVENT)

    ids = [call.headers["webhook-id"] for call in receiver.got]
    stamps = [call.headers["webhook-timestamp"] for call in receiver.got]
    assert ids == ["evt-01", "evt-01"]
    assert stamps == ["1767225600", "1767225900"]


def test_an_id_with_a_dot_is_hashed_since_a_dot_separates_what_is_signed() -> None:
    hashed = message_id("io.keylease.x.v1/req-1")

    assert hashed == message_id("io.keylease.x.v1/req-1")
    assert hashed.startswith("evt_")
    assert "." not in hashed


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success(status: int) -> None:
    receiver = answering(status)

    await sink(receiver).deliver(EVENT)

    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (410, ProviderRefused),
        (429, ProviderBusy),
        (502, ProviderBusy),
        (504, ProviderBusy),
        (301, ProviderTransient),
        (307, ProviderTransient),
        (400, ProviderTransient),
        (401, ProviderTransient),
        (404, ProviderTransient),
        (500, ProviderTransient),
    ],
)
async def test_other_answers_are_tried_again_except_gone(
    status: int, error: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        await sink(answering(status, {"location": "https://evil.example"})).deliver(EVENT)

    assert type(raised.value) is error
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("999999", 3600.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 -0000", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("", None),
    ],
)
async def test_a_busy_receiver_says_how_long_to_wait(header: str, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds


async def test_a_busy_receivers_wait_reaches_the_relay() -> None:
    with pytest.raises(ProviderBusy) as raised:
        await sink(answering(429, {"retry-after": "7"})).deliver(EVENT)

    assert raised.value.retry_after == 7.0


@pytest.mark.parametrize("failure", [HttpNotSent("no route"), HttpOutcomeUnknown("timed out")])
async def test_a_lost_call_is_made_again(failure: Exception) -> None:
    with pytest.raises(ProviderTransient):
        await sink(Receiver(failure)).deliver(EVENT)


@pytest.mark.parametrize(
    "url",
    [
        "http://bus.example.com/in",
        "ftp://bus.example.com",
        "https://",
        "https://user:pw@bus.example.com",
        "https://bus.example.com/#x",
        "",
    ],
)
def test_only_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(Misconfigured):
        https_endpoint(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/in", "http://bus.example.com", "http://0.0.0.0"])
def test_plain_http_leads_to_this_machine_only(url: str) -> None:
    with pytest.raises(Misconfigured):
        unsafe_local_endpoint(url)


def test_plain_http_to_this_machine_is_for_tests() -> None:
    assert unsafe_local_endpoint("http://127.0.0.1:80/in") == "http://127.0.0.1:80/in"
    assert unsafe_local_endpoint("http://localhost:80/in") == "http://localhost:80/in"


@pytest.mark.parametrize("secrets", [(), ("plain",), ("whsec_MDEy",), ("whsec_!!",)])
def test_a_wrong_secret_is_found_at_the_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(Misconfigured) as raised:
        sink(answering(200), secrets=secrets)

    assert not any(secret in str(raised.value) for secret in secrets)


def test_the_secret_is_not_in_the_sinks_repr() -> None:
    assert CURRENT not in repr(sink(answering(200)))
