"""A function: one deploy unit, described as data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from keylease.domain.events import Event, EventData
from keylease.domain.outcome import Outcome


class Handler(Protocol):
    """A frozen dataclass of the ports that it needs."""

    async def __call__(self, event: Event, /) -> Outcome:
        """React to one event. May run again for the same event; only the last outcome counts."""
        ...


@dataclass(frozen=True, slots=True)
class Function:
    """What a deploy unit consumes and emits, and the class that wiring fills with ports."""

    name: str
    handler: Callable[..., Any]
    consumes: frozenset[type[EventData]] = field(default=frozenset())
    emits: frozenset[type[EventData]] = field(default=frozenset())
