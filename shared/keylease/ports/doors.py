"""Doors: where messages come in over HTTP, and the proof of who sent them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keylease.domain.intake import Arrived, Reply
from keylease.ports.http import HttpResponse


@dataclass(frozen=True, slots=True)
class Call:
    """One inbound HTTP request: exact bytes, and every header as often as it came."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def all(self, name: str, /) -> tuple[str, ...]:
        """Every value of a header."""
        return tuple(value for key, value in self.headers if key.lower() == name)


class Door(Protocol):
    """One tenant's entrance."""

    def open(self, call: Call, /, *, now: datetime) -> tuple[Arrived, ...] | HttpResponse:
        """The messages in a genuine call, or an answer to give at once (a handshake).

        Raises:
            NotGenuine: signature, time, tenant or header count is wrong.
            BadInput: genuine, but not understood; the sender is told what to mend.
        """
        ...

    def answer(self, replies: tuple[Reply, ...], /) -> HttpResponse:
        """The acknowledgement, with what the sender shall read at once."""
        ...

    def refuse(self, problem: str, /) -> HttpResponse:
        """The answer to a genuine call that was not understood."""
        ...
