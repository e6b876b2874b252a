"""A TCP server that does exactly what a test says: one script per connection, bytes recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Peer"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(slots=True)
class RawServer:
    """What came in, and where to reach it."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Peer:
    """One accepted connection."""

    server: RawServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> bytes:
        """One request: its head, and its body by Content-Length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        request = head + await self.reader.readexactly(sum(lengths))
        self.server.requests.append(request)
        self.server.was_asked.set()
        return request

    async def write(self, answer: bytes) -> None:
        self.writer.write(answer)
        await self.writer.drain()


def answering(answer: bytes, *, then_close: bool = True) -> Script:
    """Read one request, say this."""

    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.write(answer)
        while not then_close:
            await peer.read()
            await peer.write(answer)

    return script


async def hang(peer: Peer) -> None:
    """Read one request, say nothing."""
    await peer.read()
    await peer.reader.read()


@asynccontextmanager
async def raw_server(script: Script) -> AsyncIterator[RawServer]:
    """Serve on a free loopback port."""
    server = RawServer()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            await script(Peer(server, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server
