"""From a CloudEvent of keylease itself back to the event, or the reason why it is none.

A bus proves nothing but that somebody may write to it. So only result events are read from one,
and only by functions that take no more from them than where to look in the store. What carries
somebody's word, such as a review, stays in the outbox; so does what `notify` tells people.
"""

from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from keylease.domain.events import Event
from keylease.errors import BadInput
from keylease.function import Function

LOOK_UP = frozenset({"converge", "decide"})
"""Functions to which an event says where to look, and nothing else."""


def read_told(
    document: Mapping[str, JsonValue], /, *, source: str, function: Function
) -> Event | None:
    """The event; None when the function does not consume its type, or would believe its words.

    Raises:
        BadInput: it is another installation's, never sent over a bus, or not of its type's shape.
    """
    if document.get("source") != source:
        msg = "is not this installation; events between functions come from public_url"
        raise BadInput(msg, field="source", code="source_foreign")
    kind = next((kind for kind in function.consumes if kind.type == document.get("type")), None)
    if kind is None:
        return None
    if not kind.is_result:
        msg = "is never sent over a bus"
        raise BadInput(msg, field="type", code="event_internal")
    if function.name not in LOOK_UP:
        return None
    names = ("id", "type", "subject", "time", "data", "traceparent")
    given = {name: document[name] for name in names if name in document}
    try:
        event = Event.model_validate(given, strict=False)
        content = event.read(kind)
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadInput(fault["msg"], field=where[:64], code="event_malformed") from e
    if content.subject != event.subject:
        msg = "is not what the event is about"
        raise BadInput(msg, field="subject", code="event_malformed")
    return event
