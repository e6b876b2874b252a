"""Our events as CloudEvents 1.0 in structured JSON; pure, shared by every way out."""

import json
from datetime import UTC

from pydantic import JsonValue

from keylease.domain.events import Event

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def as_cloudevent(event: Event, /, *, source: str) -> dict[str, JsonValue]:
    """The attributes and data; `source` and the event's id together are unique."""
    attributes: dict[str, JsonValue] = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if event.traceparent:
        attributes["traceparent"] = event.traceparent
    return {**attributes, "data": event.data}


def encode(event: Event, /, *, source: str) -> bytes:
    """One line of JSON in UTF-8; the same event always gives the same bytes."""
    document = as_cloudevent(event, source=source)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
