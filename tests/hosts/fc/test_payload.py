"""What triggers hand over: every documented shape, and any bytes at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.hosts.fc.payload import (
    DEEPEST,
    MOST,
    Asked,
    Events,
    Foreign,
    HttpCall,
    Payload,
    Tick,
    Told,
    Unreadable,
    decode,
)

CORPUS = Path(__file__).parent / "corpus"
ASKED, TOLD = "asked ord-1", "told evt-1"
SHAPES: dict[str, list[str]] = {
    "destination-failure.json": [TOLD],
    "destination-success.json": ["foreign fc:Invocation:Success"],
    "event-array.json": [ASKED, TOLD],
    "event-single.json": [TOLD],
    "foreign-event.json": ["foreign oss:ObjectCreated:PutObject"],
    "http-base64.json": ["POST /events application/cloudevents+json 203.0.113.7"],
    "http-text.json": ["POST /hooks/slack/acme application/x-www-form-urlencoded 203.0.113.7"],
    "kafka-array.json": [ASKED],
    "mns-queue-array.json": [ASKED, ASKED, ASKED],
    "mns-queue-single.json": [ASKED],
    "mns-topic-attributes.json": [ASKED],
    "mns-topic-json.json": [ASKED],
    "mns-topic-raw.txt": ["unreadable json_malformed"],
    "mqtt-array.json": [ASKED],
    "oss-array.json": ["unreadable event_malformed"],
    "rabbitmq-array.json": [ASKED],
    "rocketmq-array.json": [ASKED],
    "timer.json": ["tick sweep 2026-01-01T00:00:00Z"],
}


def in_words(payload: Payload) -> list[str]:
    match payload:
        case HttpCall(method, target, headers, _, address):
            return [f"{method} {target} {dict(headers)['content-type']} {address}"]
        case Tick(name, at):
            return [f"tick {name} {at}"]
        case Events(items):
            return [word_of(item) for item in items]


def word_of(item: object) -> str:
    match item:
        case Asked(document):
            return f"asked {document['id']}"
        case Told(document):
            return f"told {document['id']}"
        case Foreign(type_):
            return f"foreign {type_}"
        case Unreadable(problem):
            return f"unreadable {problem}"
    raise AssertionError(item)


def test_every_shape_of_the_corpus_is_in_the_table() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_documented_shape_is_read(name: str) -> None:
    assert in_words(decode((CORPUS / name).read_bytes())) == SHAPES[name]


def test_a_body_comes_as_it_was_sent() -> None:
    text = decode((CORPUS / "http-text.json").read_bytes())
    coded = decode((CORPUS / "http-base64.json").read_bytes())

    assert isinstance(text, HttpCall)
    assert isinstance(coded, HttpCall)
    assert text.body == b"text=hello%20there"
    assert json.loads(coded.body)["id"] == "ord-1"


def test_a_redelivery_has_the_digest_of_the_first_delivery() -> None:
    first, second = (decode(b'[{"b": 1, "a": 2}]'), decode(b'[{"a": 2, "b": 1}]'))

    assert first == second


def test_wrapping_ends_somewhere() -> None:
    wrapped: Any = {"specversion": "1.0", "id": "a", "type": "io.keylease.access.request.v1"}
    for _ in range(DEEPEST):
        wrapped = {"body": wrapped}

    assert in_words(decode(json.dumps(wrapped).encode())) == ["asked a"]
    assert in_words(decode(json.dumps({"body": wrapped}).encode())) == [
        "unreadable wrapped_too_deep"
    ]


def test_a_batch_has_an_end() -> None:
    assert in_words(decode(json.dumps([{}] * (MOST + 1)).encode())) == [
        "unreadable batch_too_large"
    ]
    assert len(in_words(decode(json.dumps([{}] * MOST).encode()))) == MOST


HTTP = json.loads((CORPUS / "http-text.json").read_text())


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"X-Evil": "a\r\nX-Other: b"}},
        {"headers": {"X Evil": "a"}},
        {"headers": [1]},
        {"rawPath": "/a b"},
        {"rawPath": "/a\r\nHost: evil"},
        {"rawPath": "relative"},
        {"rawPath": 7},
        {"body": 7},
        {"body": "not base64!", "isBase64Encoded": True},
        {"requestContext": {}},
        {"requestContext": {"http": {"method": "GET / HTTP/1.1\r\n", "path": "/"}}},
    ],
)
def test_a_call_that_could_smuggle_is_unreadable(changes: dict[str, Any]) -> None:
    payload = decode(json.dumps({**HTTP, **changes}).encode())

    assert in_words(payload) == ["unreadable http_malformed"]


@given(st.binary())
def test_any_bytes_are_a_payload(event: bytes) -> None:
    assert isinstance(decode(event), HttpCall | Tick | Events)


NAMES = st.sampled_from(
    sorted({name for path in CORPUS.glob("*.json") for name in path.read_text().split('"')[1::2]})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(JSON)
def test_any_document_of_known_words_is_a_payload(document: Any) -> None:
    assert isinstance(decode(json.dumps(document).encode()), HttpCall | Tick | Events)
