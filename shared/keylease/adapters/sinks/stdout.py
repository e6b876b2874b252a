"""Result events as JSON lines on a stream, such as a container's standard output."""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TextIO

from keylease.domain.cloudevent import encode
from keylease.domain.events import Event
from keylease.errors import ProviderTransient


def _standard_output() -> TextIO:
    return sys.stdout


@dataclass(frozen=True, slots=True)
class StdoutSink:
    """Keeps `ports.sinks.Sink`: one CloudEvent per line, flushed before it counts as delivered."""

    source: str
    stream: TextIO = field(default_factory=_standard_output, repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def deliver(self, event: Event, /) -> None:
        line = encode(event, source=self.source).decode() + "\n"
        async with self._turn:  # lines of two events never mix
            try:
                await asyncio.to_thread(self._write, line)
            except OSError as e:
                raise ProviderTransient("stdout", type(e).__name__) from e

    def _write(self, line: str) -> None:
        self.stream.write(line)
        self.stream.flush()
