"""A sink that keeps every event; it can be made to fail."""

from dataclasses import dataclass, field

from keylease.domain.events import Event
from keylease.errors import KeyleaseError


@dataclass(slots=True)
class MemorySink:
    """Keeps `ports.sinks.Sink`."""

    events: list[Event] = field(default_factory=list)
    failures: list[KeyleaseError] = field(default_factory=list)
    """What the next deliveries raise instead."""

    async def deliver(self, event: Event, /) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.events.append(event)
