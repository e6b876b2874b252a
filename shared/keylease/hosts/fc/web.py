"""A call of the HTTP trigger through the very application that other hosts serve.

The trigger hands over a parsed call, so it is written out as HTTP again and given to aiohttp's own
protocol, without a socket: routes, limits and answers are those of every other host.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from keylease.hosts.fc.hint import hinting_front
from keylease.hosts.fc.payload import HttpCall
from keylease.hosts.http import RUNNER
from keylease.runtime.wiring import Keylease

_OURS = frozenset({"connection", "content-length", "expect", "transfer-encoding", "upgrade"})
"""About the connection, which ends at the trigger; the length is that of the body as it came."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What the application answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def for_trigger(self) -> dict[str, Any]:
        """The structure that the HTTP trigger takes; the names of headers are in lower case."""
        headers: dict[str, str] = {}
        for name, value in self.headers:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        try:
            text, is_coded = self.body.decode(), False
        except UnicodeDecodeError:
            text, is_coded = base64.b64encode(self.body).decode(), True
        return {
            "statusCode": self.status,
            "headers": headers,
            "isBase64Encoded": is_coded,
            "body": text,
        }


@dataclass(frozen=True, slots=True)
class Front:
    """The application, ready to be called."""

    server: web.Server

    async def call(self, call: HttpCall, /) -> HttpReply:
        """One call from its first byte to its last."""
        wire = _Wire(address=call.address)
        protocol = self.server()
        protocol.connection_made(wire)
        try:
            protocol.data_received(_written(call))
            await wire.closed.wait()
        finally:
            protocol.connection_lost(None)
        return _read(bytes(wire.received))


@asynccontextmanager
async def opened(keylease: Keylease, /) -> AsyncIterator[Front]:
    """The application of a process, without a socket."""
    runner = web.AppRunner(await hinting_front(keylease), **RUNNER, handle_signals=False)
    await runner.setup()
    try:
        assert runner.server is not None  # noqa: S101  # set up above
        yield Front(runner.server)
    finally:
        await runner.cleanup()


class _Wire(asyncio.Transport):
    """A connection that only remembers what was written."""

    def __init__(self, *, address: str) -> None:
        super().__init__({"peername": (address, 0)})
        self.received = bytearray()
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.received += data

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()

    abort = close

    def pause_reading(self) -> None:
        """All of it is there already."""

    def resume_reading(self) -> None:
        """As above."""


def _written(call: HttpCall) -> bytes:
    headers = [(name, value) for name, value in call.headers if name not in _OURS]
    headers += [("content-length", str(len(call.body))), ("connection", "close")]
    lines = [f"{call.method} {call.target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + call.body


def _read(received: bytes) -> HttpReply:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    return HttpReply(
        status=int(status.split(" ")[1]),
        headers=tuple((n, v) for n, v in headers if n not in {"connection", "content-length"}),
        body=body,
    )
