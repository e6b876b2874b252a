"""Trying a password on a Redis server: one AUTH over a plain connection, and what became of it."""

import asyncio
import ssl
from dataclasses import dataclass

from keylease.domain.secret import Secret
from keylease.ports.accounts import Login

_LONGEST_REPLY = 4096


@dataclass(frozen=True, slots=True)
class RedisLogin:
    """Logs in and hangs up."""

    seconds: float = 3.0
    """For the whole attempt."""
    tls: ssl.SSLContext | None = None

    async def __call__(self, *, host: str, port: int, username: str, password: Secret) -> Login:
        try:
            async with asyncio.timeout(self.seconds):
                return await self._tried(host, port, auth(username, password))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return Login.UNREACHABLE

    async def _tried(self, host: str, port: int, command: bytes) -> Login:
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self.tls, limit=_LONGEST_REPLY
        )
        try:
            writer.write(command)
            await writer.drain()
            return outcome(await reader.readuntil(b"\r\n"))
        finally:
            writer.transport.abort()


def auth(username: str, password: Secret, /) -> bytes:
    """AUTH as a RESP array, whose lengths make quoting unnecessary."""
    parts = [b"AUTH", username.encode(), password.reveal().encode()]
    return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def outcome(reply: bytes, /) -> Login:
    """Only a plain OK is a login; an answer that is no verdict on the password proves nothing."""
    if reply == b"+OK\r\n":
        return Login.ACCEPTED
    if reply.startswith((b"-WRONGPASS", b"-NOPERM", b"-NOAUTH", b"-ERR invalid")):
        return Login.REFUSED
    return Login.UNREACHABLE
