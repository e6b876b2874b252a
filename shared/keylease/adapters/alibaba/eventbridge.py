"""Result events to a bus of EventBridge by its OpenAPI operation PutEvents.

Of the two official wire formats this is the one whose body is signed. It has no extension
attributes, so `traceparent` stays behind. HTTP 200 may hold events that were not taken.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, JsonValue

from keylease.adapters.alibaba.client import (
    FORM,
    AlibabaClient,
    Answer,
    Arguments,
    Operation,
    Wire,
    form_encoded,
)
from keylease.domain.cloudevent import as_cloudevent
from keylease.domain.events import Event
from keylease.errors import ProviderBusy, ProviderTransient

PRODUCT = "eventbridge-console"
"""Its part of the host name."""
NAMES = {
    "id": "Id",
    "source": "Source",
    "type": "Type",
    "specversion": "SpecVersion",
    "datacontenttype": "DataContentType",
    "subject": "Subject",
    "time": "Time",
    "data": "Data",
}

# A second delivery of an id is harmless, so an unknown outcome is one to try again.
PUT_EVENTS = Operation(product=PRODUCT, version="2020-04-01", action="PutEvents", is_write=False)


class _Entry(Wire):
    code: str | None = Field(default=None, alias="ErrorCode")


class _Taken(Wire):
    failed: int | None = Field(default=None, alias="FailedEntryCount")
    entries: tuple[_Entry, ...] | None = Field(default=None, alias="EntryList")


class _Put(Answer):
    success: bool | None = Field(default=None, alias="Success")
    taken: _Taken = Field(alias="Data")


@dataclass(frozen=True, slots=True)
class EventBridgeSink:
    """Keeps `ports.sinks.Sink`."""

    client: AlibabaClient
    bus: str
    region: str
    source: str
    """Of the CloudEvents."""

    async def deliver(self, event: Event, /) -> None:
        arguments = Arguments(
            region=self.region,
            instance=self.bus,
            body=form_encoded(self._fields(event)),
            content_type=FORM,
        )
        answer = await self.client.call(PUT_EVENTS, arguments=arguments, answer=_Put)
        if answer.taken.failed:
            codes = (entry.code for entry in answer.taken.entries or () if entry.code)
            code = next(codes, "FailedEntry")
            kind = ProviderBusy if "Throttl" in code else ProviderTransient
            raise kind("eventbridge", code[:100], request_id=answer.request_id)

    def _fields(self, event: Event) -> dict[str, str]:
        entry = entry_of(as_cloudevent(event, source=self.source))
        text = json.dumps([entry], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return {"EventBusName": self.bus, "EventList": text}


def entry_of(attributes: Mapping[str, JsonValue], /) -> dict[str, JsonValue]:
    """A CloudEvent by the operation's own names."""
    return {NAMES[name]: value for name, value in attributes.items() if name in NAMES}
