"""CloudEvents' HTTP binding: vectors, the three modes, and what breaks the specification."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from keylease.adapters.cloudevents.codec import decode_header, read_events
from keylease.errors import BadInput
from keylease.ports.doors import Call
from tests.support.doors import VECTORS, call_of, event, request_form

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def call(body: object, *, kind: str = STRUCTURED, **headers: str) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given_ = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Call(method="POST", path="/events", headers=(("content-type", kind), *given_), body=raw)


def binary(**headers: str) -> Call:
    attributes = {
        "ce_id": "evt-1",
        "ce_source": "https://orders.example.com/",
        "ce_type": "io.keylease.access.request.v1",
        "ce_specversion": "1.0",
    }
    return call(request_form(), kind="application/json", **{**attributes, **headers})


@pytest.mark.parametrize("id_", ["cloudevents.binary", "cloudevents.structured"])
def test_every_vector_is_read(id_: str) -> None:
    (read,) = read_events(call_of(VECTORS[id_]))

    assert read.id == "evt-fake-0001"
    assert read.source == "https://broker.example.com/instances/rmq-cn-fake0001"
    assert read.content == {"request_id": "REQ-000123", "topic": "orders.paid"}


def test_the_vectors_header_decodes_as_published() -> None:
    vector = VECTORS["cloudevents.binary"]

    assert decode_header(vector["expected"]) == vector["expected_decoded"]


def test_a_batch_is_a_list_and_not_a_structured_event() -> None:
    events = read_events(call([event(id="a"), event(id="b")], kind=BATCH))

    assert [one.key for one in events] == [
        "https://orders.example.com/ a",
        "https://orders.example.com/ b",
    ]
    assert read_events(call([], kind=BATCH)) == ()


def test_base64_content_is_json_too() -> None:
    coded = base64.b64encode(json.dumps(request_form()).encode()).decode()
    document = event(data_base64=coded)
    del document["data"]

    assert read_events(call(document))[0].content == request_form()


def test_a_trace_is_carried_and_a_broken_one_dropped() -> None:
    assert read_events(binary(ce_traceparent=TRACE))[0].traceparent == TRACE
    assert read_events(call(event(traceparent=TRACE)))[0].traceparent == TRACE
    assert read_events(call(event(traceparent='x" onload')))[0].traceparent is None


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("plain", "plain"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%2525", "%25"),
        ('"quoted \\"text\\" %E2%82%AC"', 'quoted "text" €'),
        ("a+b", "a+b"),
    ],
)
def test_a_header_is_decoded_once(value: str, meant: str) -> None:
    assert decode_header(value) == meant


@pytest.mark.parametrize("value", ["%C0%A0", "%E2%82", "%", "%zz", "100%", "é", "a\tb", "a\x00b"])
def test_a_header_that_is_not_encoded_is_refused(value: str) -> None:
    with pytest.raises(BadInput):
        decode_header(value)


@pytest.mark.parametrize(
    "broken",
    [
        call(b"", kind=STRUCTURED),
        call(b"\xff\xfe"),
        call(b"[" * 60_000),
        call([event()]),
        call({}, kind=BATCH),
        call([[]], kind=BATCH),
        call([event()] * 501, kind=BATCH),
        call(event(specversion="0.3")),
        call(event(id="")),
        call(event(id=1)),
        call(event(id="a\nb")),
        call(event(source="has a space")),
        call(event(type=None)),
        call(event(time="yesterday")),
        call(event(time="2026-01-01T00:00:00")),
        call(event(Upper="x")),
        call(event(with_line="x")),
        call(event(data_base64="!!")),
        call(event(data_base64="e30=")),
        call(event(datacontenttype="text/xml")),
        call(b'{"id":"a","id":"b"}'),
        call(event(), kind="application/cloudevents+xml"),
        call([event()], kind="application/cloudevents-batch+avro"),
        call(b"<x/>", kind="text/xml", ce_id="a"),
        call(request_form(), kind="application/json"),
        binary(ce_datacontenttype="application/json"),
        binary(ce_id="%C0%A0"),
        call(event(data={"reason": "x" * 70_000})),
        call([event(data={"reason": "x" * 70_000})], kind=BATCH),
    ],
)
def test_what_breaks_the_specification_is_bad_input(broken: Call) -> None:
    with pytest.raises(BadInput):
        read_events(broken)


def test_an_attribute_given_twice_is_refused() -> None:
    twice = binary()
    doubled = Call(
        method="POST", path="/", headers=(*twice.headers, ("CE-Id", "evt-2")), body=twice.body
    )

    with pytest.raises(BadInput, match="twice"):
        read_events(doubled)


@given(
    id_=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40
    ),
    subject=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40
    ),
    is_binary=st.booleans(),
)
def test_what_the_official_library_writes_is_read_as_it_reads_it(
    id_: str, subject: str, *, is_binary: bool
) -> None:
    attributes = {
        "id": id_, "source": "/orders", "type": "io.keylease.access.request.v1",
        "specversion": "1.0", "subject": subject, "datacontenttype": "application/json",
    }  # fmt: skip
    written = (to_binary if is_binary else to_structured)(
        CloudEvent(attributes, request_form()), JSONFormat()
    )
    theirs = from_http_event(HTTPMessage(headers=written.headers, body=written.body), JSONFormat())
    body = written.body if isinstance(written.body, bytes) else written.body.encode()

    (ours,) = read_events(
        Call(method="POST", path="/", headers=tuple(written.headers.items()), body=body)
    )

    assert (ours.id, ours.content) == (theirs.get_id(), theirs.get_data()) == (id_, request_form())


@given(body=st.binary(max_size=300), kind=st.sampled_from([STRUCTURED, BATCH, "application/json"]))
def test_any_bytes_are_events_or_bad_input(body: bytes, kind: str) -> None:
    attributes: dict[str, Any] = {"ce_id": "a", "ce_source": "b", "ce_type": "c"}
    with suppress(BadInput):
        assert isinstance(
            read_events(call(body, kind=kind, ce_specversion="1.0", **attributes)), tuple
        )
