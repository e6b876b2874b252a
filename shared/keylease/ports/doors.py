"""Doors: where messages come in over HTTP, and the proof of who sent them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keylease.domain.intake import Arrived, Reply
from keylease.errors import BadInput, NotGenuine
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

    def sole(self, name: str, /, *, longest: int) -> str:
        """The value of a header that proof depends on: there once, ASCII, not too long.

        Raises:
            NotGenuine: it is not like that.
        """
        values = self.all(name)
        if len(values) != 1:
            raise NotGenuine("header_missing" if not values else "header_repeated")
        if not values[0].isascii() or not 0 < len(values[0]) <= longest:
            raise NotGenuine("header_malformed")
        return values[0]


class Door(Protocol):
    """One tenant's entrance."""

    def open(self, call: Call, /, *, now: datetime) -> tuple[Arrived, ...] | HttpResponse:
        """The messages in a genuine call, or an answer to give at once (a handshake).

        Raises:
            NotGenuine: signature, time, tenant or header count is wrong.
            BadInput: genuine, but not understood; the sender is told what to mend.
        """
        ...

    def answer(self, call: Call, /, *, replies: tuple[Reply, ...]) -> HttpResponse:
        """The acknowledgement of an opened call, with what the sender shall read at once."""
        ...

    def refuse(self, call: Call, /, *, problem: BadInput) -> HttpResponse:
        """The answer to a genuine call that was not understood."""
        ...
