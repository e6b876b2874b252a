"""Takes what waits in one consumer, no more than there are places for.

The client's own `fetch` waits for a full batch once a first message came: that is a second of
latency. Here a request stands at the server for as many as there is room for, and what has come is
handed on at once.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error

from keylease.adapters.nats.errors import translated
from keylease.errors import ProviderTransient

STANDS = timedelta(seconds=2)
"""How long a request waits at the server."""
LATE = timedelta(seconds=1)
"""A request that was not answered by then is lost: the server fell or forgot us."""
GONE = "503"
STATUS = "Status"
UNSENT = "Nats-Pending-Messages"


@dataclass(slots=True)
class Pull:
    """One worker's place in the line. Its `take` is called by one task at a time."""

    client: Client
    inbox: str
    request: str
    """Where the server is asked."""
    heard: Subscription
    came: asyncio.Queue[Msg]
    asked: int = 0
    """Messages that may still come."""
    until: float = 0.0
    """When those will not come any more."""

    async def take(self, most: int, /) -> tuple[Msg, ...]:
        """What came; waits for the first for a while. Cancelled, it loses nothing.

        Raises:
            ProviderTransient: the server, or what we stand in line for, is away.
        """
        if not self.client.is_connected:
            self.asked = 0
            raise ProviderTransient("nats", "disconnected")
        now = asyncio.get_running_loop().time()
        if now >= self.until:
            self.asked = 0
        if self.asked < most:
            await self._ask(most - self.asked, now=now)
        return await self._arrived(most)

    async def _ask(self, count: int, *, now: float) -> None:
        words = {"batch": count, "expires": int(STANDS.total_seconds() * 1e9)}
        self.asked += count
        self.until = now + (STANDS + LATE).total_seconds()
        with translated():
            await self.client.publish(self.request, json.dumps(words).encode(), reply=self.inbox)

    async def leave(self) -> tuple[Msg, ...]:
        """Ask no more, and take back what is asked; what came and was not taken.

        The server gives nothing to an inbox in which nobody listens, so a request that still
        stands there takes no message with it.
        """
        with suppress(Error, OSError, TimeoutError):
            async with asyncio.timeout(LATE.total_seconds()):
                await self.heard.drain()  # type: ignore[no-untyped-call]  # its author left it out
        self.asked = 0
        rest = [self.came.get_nowait() for _ in range(self.came.qsize())]
        return tuple(msg for msg in rest if _is_work(msg))

    async def _arrived(self, most: int) -> tuple[Msg, ...]:
        """The first that comes, and what has come together with it."""
        found = list[Msg]()
        while len(found) < most and (self.came.qsize() or not found):
            msg = await self._next()
            if msg is None:
                break
            if _is_work(msg):
                self.asked = max(0, self.asked - 1)
                found.append(msg)
            elif self._is_gone(msg) and not found:  # else it is said again when asked again
                raise ProviderTransient("nats", "consumer_gone")
            elif not self.asked:
                break
        return tuple(found)

    async def _next(self) -> Msg | None:
        """None when nothing comes any more of what was asked."""
        with suppress(asyncio.QueueEmpty):
            return self.came.get_nowait()
        try:
            async with asyncio.timeout_at(self.until):
                return await self.came.get()
        except TimeoutError:
            self.asked = 0
            return None

    def _is_gone(self, said: Msg) -> bool:
        """The server's word about a request: how much of it comes no more, or that nobody gives."""
        headers = said.headers or {}
        is_gone = headers.get(STATUS) == GONE
        unsent = self.asked if is_gone else int(headers.get(UNSENT, self.asked))
        self.asked = max(0, self.asked - unsent)
        return is_gone


def _is_work(msg: Msg) -> bool:
    """Whether it is a message, and not the server's word about a request."""
    return STATUS not in (msg.headers or {}) or bool(msg.reply)


@asynccontextmanager
async def pulling(client: Client, /, *, stream: str, consumer: str) -> AsyncIterator[Pull]:
    """Stand in line until the context is left."""
    came, inbox = asyncio.Queue[Msg](), client.new_inbox()
    with translated():
        heard = await client.subscribe(inbox, cb=came.put)
    request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    try:
        yield Pull(client, inbox, request, heard, came)
    finally:
        with suppress(Error):  # left already, or the connection is closed
            await heard.unsubscribe()
