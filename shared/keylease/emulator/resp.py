"""As much of the Redis protocol as the mirror needs: send one command, read one reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

DEFAULT_PORT = 6379


class RedisRefused(OSError):
    """The server answered with an error; only its first word is kept, the rest may quote us."""


@dataclass(frozen=True, slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def command(self, *words: str) -> str:
        encoded = [word.encode() for word in words]
        self.writer.write(b"*%d\r\n" % len(encoded))
        for word in encoded:
            self.writer.write(b"$%d\r\n%s\r\n" % (len(word), word))
        await self.writer.drain()
        return await self._reply()

    async def _reply(self) -> str:
        line = (await self.reader.readuntil(b"\r\n")).rstrip(b"\r\n").decode()
        kind, rest = line[:1], line[1:]
        if kind == "-":
            raise RedisRefused(rest.partition(" ")[0])
        if kind == "$" and rest != "-1":
            return (await self.reader.readexactly(int(rest) + 2))[:-2].decode()
        return rest


def parsed(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        raise ValueError("expected redis://[user:password@]host[:port]")
    return parts


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Open a connection, log in when the URL says how, close it at the end."""
    parts = parsed(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or DEFAULT_PORT)
    connection = Connection(reader=reader, writer=writer)
    try:
        if parts.password:
            login = (unquote(parts.username or "default"), unquote(parts.password))
            await connection.command("AUTH", *login)
        yield connection
    except asyncio.IncompleteReadError as e:
        raise ConnectionResetError from e
    finally:
        writer.close()
