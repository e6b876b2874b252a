"""Takes what waits in one consumer, no more than there are places for.

The client's own `fetch` waits for a full batch once a first message came: that is a second of
latency. Here a request stands at the server for as many as there is room for, and what has come is
handed on at once.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg

from keylease.adapters.nats.errors import translated
from keylease.errors import ProviderTransient

STANDS = timedelta(seconds=2)
"""How long a request waits at the server; a stop waits for it, at most."""
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
    came: asyncio.Queue[Msg] = field(default_factory=asyncio.Queue)
    asked: int = 0
    """Messages that may still come."""
    until: float = 0.0
    """When those will not come any more."""

    async def take(self, most: int, /) -> tuple[Msg, ...]:
        """What came; waits for the first for a while.

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
        with translated():
            await self.client.publish(self.request, json.dumps(words).encode(), reply=self.inbox)
        self.asked += count
        self.until = now + (STANDS + LATE).total_seconds()

    async def _arrived(self, most: int) -> tuple[Msg, ...]:
        """The first that comes, and what has come together with it."""
        found = list[Msg]()
        while len(found) < most and (self.came.qsize() or not found):
            try:
                async with asyncio.timeout_at(self.until):
                    msg = await self.came.get()
            except TimeoutError:
                self.asked = 0
                break
            if self._is_work(msg):
                found.append(msg)
            elif not self.asked:
                break
        return tuple(found)

    def _is_work(self, msg: Msg) -> bool:
        """Whether it is a message, and not the server's word about a request."""
        status = (msg.headers or {}).get(STATUS)
        if status is None or msg.reply:
            self.asked = max(0, self.asked - 1)
            return True
        if status == GONE:
            self.asked = 0
            raise ProviderTransient("nats", "consumer_gone")
        self.asked = max(0, self.asked - int((msg.headers or {}).get(UNSENT, self.asked)))
        return False


@asynccontextmanager
async def pulling(client: Client, /, *, stream: str, consumer: str) -> AsyncIterator[Pull]:
    """Stand in line until the context is left."""
    pull = Pull(
        client=client,
        inbox=client.new_inbox(),
        request=f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}",
    )
    with translated():
        heard = await client.subscribe(pull.inbox, cb=pull.came.put)
    try:
        yield pull
    finally:
        if not client.is_closed:
            await heard.unsubscribe()
