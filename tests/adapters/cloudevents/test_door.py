"""The CloudEvents entrance: who may send, as which source, and the handshake."""

import json
from typing import Any

import pytest

from keylease.adapters.cloudevents.door import CloudEventsDoor, Producer
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.intake import Arrived, Ask, Reply
from keylease.domain.people import ExternalId
from keylease.domain.secret import Secret
from keylease.domain.trust import Trust
from keylease.errors import BadInput, Misconfigured, NotGenuine
from keylease.ports.doors import Call
from keylease.ports.http import HttpResponse
from tests.support.doors import (
    BEARER,
    CLOCK,
    VECTORS,
    WEBHOOK_SECRET,
    call_of,
    event,
    request_form,
    webhook_call,
    with_body,
    with_headers,
)

SOURCE = "https://orders.example.com/"
STRUCTURED = "application/cloudevents+json"
TOKEN = ("Authorization", f"Bearer {BEARER.reveal()}")


def door(**fields: Any) -> CloudEventsDoor:
    producers = (
        Producer(
            tenant="other", sources=frozenset({"/other"}), tokens=(Secret("another-bearer-token"),)
        ),
        Producer(
            tenant="orders",
            sources=frozenset({SOURCE}),
            tokens=(BEARER,),
            proof=StandardWebhooks(secrets=(WEBHOOK_SECRET,)),
            **fields,
        ),
    )
    return CloudEventsDoor(producers=producers, origins=frozenset({"bus.example.com"}))


def call(
    body: object, *, kind: str = STRUCTURED, headers: tuple[tuple[str, str], ...] = (TOKEN,)
) -> Call:
    raw = json.dumps(body).encode()
    every = (("content-type", kind), *headers)
    return Call(method="POST", path="/events", headers=every, body=raw)


def arrived(call_: Call, **fields: Any) -> tuple[Arrived, ...]:
    opened = door(**fields).open(call_, now=CLOCK)
    assert isinstance(opened, tuple)
    return opened


def test_a_bearer_of_a_token_asks_as_its_source() -> None:
    (message,) = arrived(call(event()))

    assert isinstance(message.said, Ask)
    assert message.sender == ExternalId(platform="cloudevents", tenant="orders", subject=SOURCE)
    assert (message.source, message.tenant) == ("cloudevents", "orders")
    assert message.key == f"{SOURCE} evt-1"


def test_a_binary_event_says_the_same() -> None:
    headers = (TOKEN, ("ce-id", "evt-1"), ("ce-source", SOURCE), ("ce-specversion", "1.0"),
               ("ce-type", "io.keylease.access.request.v1"))  # fmt: skip

    binary = arrived(call(request_form(), kind="application/json", headers=headers))

    assert binary == arrived(call(event()))


def test_a_batch_arrives_in_its_order() -> None:
    batch = call(
        [event(id="a"), event("status", id="b")], kind="application/cloudevents-batch+json"
    )

    assert [message.key for message in arrived(batch)] == [f"{SOURCE} a", f"{SOURCE} b"]


def test_a_signed_structured_event_is_genuine() -> None:
    signed = webhook_call(json.dumps(event()).encode(), kind=STRUCTURED)

    assert arrived(signed) == arrived(call(event()))
    with pytest.raises(NotGenuine):
        arrived(with_body(signed, signed.body + b" "))


def test_a_signature_is_not_enough_for_attributes_in_headers() -> None:
    signed = webhook_call(json.dumps(request_form()).encode())
    headers = (("ce-id", "a"), ("ce-source", SOURCE), ("ce-specversion", "1.0"),
               ("ce-type", "io.keylease.access.request.v1"))  # fmt: skip

    with pytest.raises(BadInput, match="structured or batch"):
        arrived(with_headers(signed, extra=headers))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Authorization", "Bearer wrong"),),
        (("Authorization", "Bearer "),),
        (("Authorization", "Basic dTpw"),),
        (("Authorization", BEARER.reveal()),),
        (("Authorization", "Bearer ü"),),
        (("Authorization", "Bearer " + "x" * 600),),
        (TOKEN, TOKEN),
        (TOKEN, ("authorization", "Bearer wrong")),
    ],
)
def test_nobody_else_is_let_in(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(NotGenuine):
        arrived(call(event(), headers=headers))


def test_a_token_is_bound_to_its_sources() -> None:
    with pytest.raises(NotGenuine, match="source_not_bound"):
        arrived(call(event(source="/other")))
    with pytest.raises(NotGenuine, match="source_not_bound"):
        arrived(call([event(), event(source="/other")], kind="application/cloudevents-batch+json"))


def test_events_of_other_types_are_acknowledged_and_forgotten() -> None:
    assert arrived(call(event(type="io.keylease.lease.ended.v1"))) == ()
    vector = VECTORS["cloudevents.structured"]
    known = Producer(
        tenant="t",
        sources=frozenset({"https://broker.example.com/instances/rmq-cn-fake0001"}),
        tokens=(BEARER,),
    )

    opened = CloudEventsDoor(producers=(known,)).open(
        with_headers(call_of(vector), extra=(TOKEN,)), now=CLOCK
    )

    assert opened == ()


@pytest.mark.parametrize(
    "type_", ["io.keylease.access.request.v2", "io.keylease.access.grant.v1", "io.keylease.access."]
)
def test_an_unknown_type_of_ours_is_refused(type_: str) -> None:
    with pytest.raises(BadInput) as refused:
        arrived(call(event(type=type_)))

    assert refused.value.code == "type_unknown"


def test_a_producer_files_only_for_whom_it_is_trusted_with() -> None:
    person = {"platform": "slack", "tenant": "T0FAKE001", "subject": "U0REQ0001"}
    filed = call(event(data=request_form(requester=person)))

    (message,) = arrived(filed, trust=Trust(files_for=frozenset({"slack"})))

    assert isinstance(message.said, Ask)
    assert message.said.on_behalf_of == ExternalId(**person)
    with pytest.raises(BadInput, match="may not speak for"):
        arrived(filed)


def shake(origin: str | None, **headers: str) -> HttpResponse:
    own = () if origin is None else (("WebHook-Request-Origin", origin),)
    opened = door().open(
        Call(method="OPTIONS", path="/events", headers=(*own, *headers.items()), body=b""),
        now=CLOCK,
    )
    assert isinstance(opened, HttpResponse)
    return opened


def test_a_known_origin_is_allowed_and_its_callback_is_left_alone() -> None:
    answer = shake("bus.example.com", **{"WebHook-Request-Callback": "https://10.0.0.1/confirm"})

    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == "bus.example.com"
    assert answer.headers["webhook-allowed-rate"] == "600"
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("token", ["", "short"])
def test_a_token_that_can_be_guessed_is_found_at_start_up(token: str) -> None:
    with pytest.raises(Misconfigured, match="too short"):
        Producer(tenant="t", sources=frozenset({"/s"}), tokens=(Secret(token),))


@pytest.mark.parametrize("origin", ["evil.example.com", "", None])
def test_another_origin_is_told_nothing(origin: str | None) -> None:
    answer = shake(origin)

    assert answer.status == 405
    assert not any(name.startswith("webhook") for name in answer.headers)


def test_the_normal_answer_is_accepted() -> None:
    answer = door().answer(call(event()), replies=(Reply(text="received", request_id="req-1"),))

    assert answer.status == 202
    assert json.loads(answer.body)["replies"][0]["request_id"] == "req-1"


@pytest.mark.parametrize(
    ("code", "status"),
    [("too_large", 413), ("unsupported_media_type", 415), ("not_allowed", 403), ("x", 400)],
)
def test_a_refusal_has_the_status_of_its_reason(code: str, status: int) -> None:
    problem = BadInput("no", code=code)

    assert door().refuse(call(event()), problem=problem).status == status
