"""CloudEvents' HTTP binding: binary, structured and batch calls to events."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from pydantic import JsonValue
from pydantic_core import to_json

from keylease.domain.genuine import read_json
from keylease.errors import BadInput
from keylease.ports.doors import Call

LARGEST_EVENT = 64 * 1024
MOST_EVENTS = 500
_BATCH = "application/cloudevents-batch"
_STRUCTURED = "application/cloudevents"
_PREFIX = "ce-"
_NAME = re.compile(r"[a-z0-9]{1,64}")
_VALUE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,1024}")
_VISIBLE = re.compile(r"[\x20-\x7e]*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_REFERENCE = re.compile(r"[^\s\"<>\\^`{|}]+")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as it came, its attributes checked."""

    id: str
    source: str
    type: str
    content: JsonValue
    traceparent: str | None = None

    @property
    def key(self) -> str:
        """Unique per distinct event; a source holds no space, so the two cannot run together."""
        return f"{self.source} {self.id}"


def is_binary(call: Call, /) -> bool:
    """Whether attributes travel in headers, where no signature of the body covers them."""
    return not media_type(call).startswith(_STRUCTURED)


def media_type(call: Call, /) -> str:
    """The content type without parameters."""
    types = call.all("content-type")
    return types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""


def read_events(call: Call, /) -> tuple[Incoming, ...]:
    """The events in a call.

    Raises:
        BadInput: a format that is not read, or an event that breaks the specification.
    """
    kind = media_type(call)
    if kind.startswith(_BATCH):  # first: the structured prefix is a prefix of this one too
        return _batch(call, kind=kind)
    check_size(len(call.body))
    if kind.startswith(_STRUCTURED):
        _only_json(kind, format_=f"{_STRUCTURED}+json")
        return (read_document(read_json(call.body, unique_keys=True)),)
    return (_binary(call, kind=kind),)


def _batch(call: Call, *, kind: str) -> tuple[Incoming, ...]:
    _only_json(kind, format_=f"{_BATCH}+json")
    documents = read_json(call.body, unique_keys=True)
    if not isinstance(documents, list) or len(documents) > MOST_EVENTS:
        msg = f"a batch is a list of at most {MOST_EVENTS} events"
        raise BadInput(msg, code="batch_malformed")
    for document in documents:
        check_size(len(to_json(document)))
    return tuple(read_document(document) for document in documents)


def read_document(document: JsonValue, /) -> Incoming:
    """One event of structured mode.

    Raises:
        BadInput: it breaks the specification.
    """
    if not isinstance(document, dict):
        msg = "an event is an object"
        raise BadInput(msg, code="event_malformed")
    attributes = dict(document)
    content = attributes.pop("data", None)
    coded = attributes.pop("data_base64", None)
    if coded is not None:
        content = read_json(_decoded(coded, content), unique_keys=True)
    return _incoming(attributes, content=content)


def _decoded(coded: JsonValue, content: JsonValue) -> bytes:
    if content is None and isinstance(coded, str):
        try:
            return base64.b64decode(coded, validate=True)
        except ValueError:
            pass
    msg = "base64 text, and then no data beside it"
    raise BadInput(msg, field="data_base64", code="event_malformed")


def _binary(call: Call, *, kind: str) -> Incoming:
    if kind not in ("application/json", "") and not kind.endswith("+json"):
        msg = "send JSON"
        raise BadInput(msg, field="content-type", code="unsupported_media_type")
    attributes: dict[str, JsonValue] = {}
    for header, value in call.headers:
        if not header.lower().startswith(_PREFIX):
            continue
        name = header.lower().removeprefix(_PREFIX)
        if name in attributes or name in ("datacontenttype", "data", "data_base64"):
            msg = "given twice, or not a header of a binary event"
            raise BadInput(msg, field=name[:64], code="event_malformed")
        attributes[name] = decode_header(value, name=name[:64])
    content = read_json(call.body, unique_keys=True) if call.body else None
    return _incoming(attributes, content=content)


def decode_header(value: str, /, *, name: str = "") -> str:
    """The text of a header value: quotes taken off, percent-decoded once, strictly.

    Raises:
        BadInput: not ASCII, an incomplete escape, or bytes that are not UTF-8.
    """
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    bare = re.sub(r"\\(.)", r"\1", value[1:-1]) if is_quoted else value
    try:
        if not _VISIBLE.fullmatch(bare) or _ESCAPE.search(bare):
            raise ValueError  # noqa: TRY301  # one answer for all three faults
        return unquote_to_bytes(bare).decode("utf-8")
    except ValueError as e:
        msg = "percent-encode it as UTF-8"
        raise BadInput(msg, field=name, code="event_malformed") from e


def _incoming(attributes: dict[str, JsonValue], *, content: JsonValue) -> Incoming:
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            msg = "attribute names are lower-case letters and digits"
            raise BadInput(msg, field=name[:64], code="event_malformed")
        if isinstance(value, str) and not _VALUE.fullmatch(value):
            msg = "is empty, too long, or holds control characters"
            raise BadInput(msg, field=name, code="event_malformed")
    if _text(attributes, "specversion") != "1.0":
        msg = "must be 1.0"
        raise BadInput(msg, field="specversion", code="event_malformed")
    source = _text(attributes, "source")
    if not _REFERENCE.fullmatch(source):
        msg = "must be a URI reference"
        raise BadInput(msg, field="source", code="event_malformed")
    _check_optional(attributes)
    traceparent = attributes.get("traceparent")
    is_traced = isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent)
    return Incoming(
        id=_text(attributes, "id"),
        source=source,
        type=_text(attributes, "type"),
        content=content,
        traceparent=str(traceparent) if is_traced else None,
    )


def _check_optional(attributes: dict[str, JsonValue]) -> None:
    kind = attributes.get("datacontenttype") or "application/json"
    if not isinstance(kind, str) or not re.fullmatch(r".*[/+]json\s*(;.*)?", kind.lower()):
        msg = "send JSON"
        raise BadInput(msg, field="datacontenttype", code="unsupported_media_type")
    time = attributes.get("time")
    if time is None:
        return
    try:
        is_aware = datetime.fromisoformat(str(time)).tzinfo is not None
    except ValueError:
        is_aware = False
    if not is_aware:
        msg = "must be an RFC 3339 time"
        raise BadInput(msg, field="time", code="event_malformed")


def _text(attributes: dict[str, JsonValue], name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or len(value) > 512:  # noqa: PLR2004  # fits the inbox's key
        msg = "is missing or too long"
        raise BadInput(msg, field=name, code="event_malformed")
    return value


def check_size(size: int) -> None:
    if size > LARGEST_EVENT:
        msg = f"an event is at most {LARGEST_EVENT} bytes"
        raise BadInput(msg, code="too_large")


def _only_json(kind: str, *, format_: str) -> None:
    if kind not in (format_, format_.removesuffix("+json")):
        msg = f"send {format_}"
        raise BadInput(msg, field="content-type", code="unsupported_media_type")
