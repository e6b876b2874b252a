"""What triggers hand over, as bytes and as values. Pure: any bytes at all become a payload.

Every trigger of a built-in runtime arrives as the same bytes, so the shape has to say which one it
was. Shapes are those of the vendor's pages; each stands in tests/hosts/fc/corpus.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from keylease.domain.genuine import read_json
from keylease.errors import BadInput

ACCESS = "io.keylease.access."
OURS = "io.keylease."
WRAPPINGS = {
    "mns:Queue:SendMessage": "messageBody",
    "mq:Topic:SendMessage": "body",
    "amqp:Queue:SendMessage": "body",
    "alikafka:Topic:Message": "value",
}
"""Event types that only wrap a message, and where in `data` it is."""
BARE = ("Message", "messageBody", "body", "value", "payload")
"""The same for messages without an envelope: MNS topics, self-managed RocketMQ, MQTT, raw data."""
MOST = 10_000
"""Events of one call; a trigger's batch window takes no larger number."""
DEEPEST = 4
"""Wrappings within wrappings: a queue's message within an envelope within a destination."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(r"/[\x21-\x7e]{0,8191}")

Document = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call of the HTTP trigger."""

    method: str
    target: str
    """The path as it was sent, percent-encoded."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A timer fired."""

    name: str
    at: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event of keylease itself, as a CloudEvent whose content is not read yet."""

    document: Document = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a producer, as a CloudEvent that is not proved yet."""

    document: Document = field(repr=False)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that is not for us; a bus may carry more than we read."""

    type: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that no retry makes readable. The digest is of its bytes, which are not kept."""

    problem: str
    digest: str
    size: int


Item = Told | Asked | Foreign | Unreadable


@dataclass(frozen=True, slots=True)
class Events:
    """One event, or a batch of them."""

    items: tuple[Item, ...]


Payload = HttpCall | Tick | Events


def decode(event: bytes, /) -> Payload:
    """What it is. Never raises: what cannot be read is an `Unreadable`."""
    try:
        document = read_json(event)
    except BadInput as e:
        return Events((unreadable(e.code, event),))
    if isinstance(document, dict):
        if document.get("version") == "v1" and isinstance(document.get("requestContext"), dict):
            return _http(document) or Events((unreadable("http_malformed", event),))
        if isinstance(document.get("triggerName"), str) and "triggerTime" in document:
            return Tick(name=str(document["triggerName"]), at=str(document["triggerTime"]))
    entries = document if isinstance(document, list) else [document]
    if len(entries) > MOST:
        return Events((unreadable("batch_too_large", event),))
    return Events(tuple(_item(entry, depth=0) for entry in entries))


def _http(document: Document) -> HttpCall | None:
    context = document["requestContext"]
    request = context.get("http") if isinstance(context, dict) else None
    headers, body = document.get("headers", {}), _body(document)
    if not isinstance(context, dict) or not isinstance(request, dict):
        return None
    if not isinstance(headers, dict) or body is None:
        return None
    method, target = request.get("method"), document.get("rawPath") or request.get("path")
    named = {"host": context.get("domainName"), **{k.lower(): v for k, v in headers.items()}}
    pairs = tuple((name, str(value)) for name, value in named.items())
    is_plain = all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in pairs)
    if not isinstance(method, str) or not _TOKEN.fullmatch(method) or not is_plain:
        return None
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        return None
    address = request.get("sourceIp")
    return HttpCall(
        method=method.upper(),
        target=target,
        headers=pairs,
        body=body,
        address=address if isinstance(address, str) else "",
    )


def _body(document: Document) -> bytes | None:
    text = document.get("body") or ""
    if not isinstance(text, str):
        return None
    if document.get("isBase64Encoded") is not True:
        return text.encode()
    return _unbase64(text)


def _item(entry: JsonValue, *, depth: int) -> Item:
    if depth > DEEPEST:
        return unreadable("wrapped_too_deep", entry)
    if isinstance(entry, str):
        return _text(entry, depth=depth)
    if not isinstance(entry, dict):
        return unreadable("event_malformed", entry)
    if "specversion" in entry:
        return _cloudevent(entry, depth=depth)
    if "requestPayload" in entry and isinstance(entry.get("requestContext"), dict):
        return _destination(entry, depth=depth)
    inner = next((name for name in BARE if name in entry), "")
    return _item(entry[inner], depth=depth + 1) if inner else unreadable("event_malformed", entry)


def _cloudevent(entry: Document, *, depth: int) -> Item:
    type_ = entry.get("type")
    if not isinstance(type_, str):
        return unreadable("event_malformed", entry)
    if type_.startswith(ACCESS):
        return Asked(entry)
    if type_.startswith(OURS):
        return Told(entry)
    content = entry.get("data")
    if type_ in WRAPPINGS and isinstance(content, dict):
        return _item(content.get(WRAPPINGS[type_]), depth=depth + 1)
    return Foreign(type_)


def _destination(entry: Document, *, depth: int) -> Item:
    """Of an asynchronous invocation: one that failed is taken in again, one that went well not."""
    context = entry["requestContext"]
    condition = context.get("condition") if isinstance(context, dict) else None
    if condition == "Success":
        return Foreign("fc:Invocation:Success")
    return _item(entry["requestPayload"], depth=depth + 1)


def _text(text: str, *, depth: int) -> Item:
    """A message as text: JSON, or base64 of JSON where nobody decoded it."""
    raw = text.encode()
    try:
        document = read_json(raw)
    except BadInput as e:
        decoded = _unbase64(text)
        if not decoded:
            return unreadable(e.code, raw)
        try:
            document = read_json(decoded)
        except BadInput:
            return unreadable(e.code, raw)
    return _item(document, depth=depth + 1)


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def unreadable(problem: str, content: JsonValue | Document | bytes, /) -> Unreadable:
    """What is kept of something that nobody can take."""
    raw = (
        content
        if isinstance(content, bytes)
        else json.dumps(
            dict(content) if isinstance(content, Mapping) else content, sort_keys=True
        ).encode()
    )
    return Unreadable(problem=problem, digest=hashlib.sha256(raw).hexdigest()[:32], size=len(raw))
