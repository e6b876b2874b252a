"""Workers for one function of a test's own, on memory and a real bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.store import MemoryStore
from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.dead import NatsDeadLetters
from keylease.adapters.system.clock import SystemClock
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event, RequestSubmitted
from keylease.domain.outcome import Outcome
from keylease.function import Function
from keylease.hosts.local import Loops, turning
from keylease.hosts.worker import Desk, Line
from keylease.runtime.process import Bound, Commits, Process, Router
from keylease.runtime.sending import Sending
from tests.support.bus import WIRE, jet_on, transport_on
from tests.support.nats_server import NatsServer

ROUTE = Function(name="decide", handler=object, consumes=frozenset({RequestSubmitted}))
Body = Callable[[Event], Awaitable[None]]


@dataclass
class Shop:
    """A store, a bus, and what the function was called with."""

    server: NatsServer
    jet: Jet
    body: Body
    places: int = 4
    store: MemoryStore = field(default_factory=MemoryStore)
    ids: SeededIds = field(default_factory=SeededIds)
    seen: list[str] = field(default_factory=list)
    desks: list[Desk] = field(default_factory=list)

    async def __call__(self, event: Event, /) -> Outcome:
        """The function: its outcome is one audit entry."""
        self.seen.append(event.subject)
        await self.body(event)
        now = SystemClock().now()
        entry = AuditEntry(at=now, action="decided", subject=event.subject, actor="test")
        return Outcome(audit=(entry,))

    @property
    def dead(self) -> NatsDeadLetters:
        return NatsDeadLetters(self.jet, WIRE)

    async def say(self, *subjects: str) -> None:
        """Commit events about them."""
        for subject in subjects:
            await self._commits(asyncio.Event()).commit(
                Outcome(events=(RequestSubmitted(request_id=subject),))
            )

    async def done(self) -> list[str]:
        """What took effect, in order."""
        return [entry.subject for entry in await self.store.audit()]

    async def waiting(self) -> int:
        """Parcels that the outbox still holds, whenever they are due."""
        far = SystemClock().now() + timedelta(days=1)
        return len(await self.store.parcels(before=far, limit=100))

    async def until(self, condition: Callable[[], Awaitable[bool]], /) -> None:
        async with asyncio.timeout(30):
            while not await condition():  # noqa: ASYNC110  # the store only answers
                await asyncio.sleep(0.02)

    async def rests(self) -> None:
        """Until the outbox is empty."""

        async def empty() -> bool:
            return not await self.waiting()

        await self.until(empty)

    @asynccontextmanager
    async def worker(self, *, drain: float = 5.0) -> AsyncIterator[Desk]:
        """One more worker, with its relay, until the context is left."""
        wake = asyncio.Event()
        process = Process(
            commits=self._commits(wake), functions={"decide": Bound(ROUTE, self)}, sinks={}
        )
        transport = transport_on(self.jet)
        sending = Sending(process, transport)
        loops = Loops(process, timedelta(hours=1), wake, hand_over=sending.deliver)
        desk = Desk(process, loops, transport.patience)
        self.desks.append(desk)
        async with AsyncExitStack() as stack:
            queue = await stack.enter_async_context(transport.queue("decide"))
            line = Line("decide", queue, self.places)
            turns = {
                "relay": loops.relay,
                "decide": lambda: desk.consume(line),
            }
            await stack.enter_async_context(
                turning(turns, stop=loops.stop, drain=timedelta(seconds=drain))
            )
            yield desk

    def _commits(self, wake: asyncio.Event) -> Commits:
        router = Router(functions=(ROUTE,))
        return Commits(self.store, SystemClock(), self.ids, router, wake=wake.set)


async def nothing(_: Event) -> None:
    """A function that only says that it was called."""


@asynccontextmanager
async def shop(server: NatsServer, body: Body = nothing, *, places: int = 4) -> AsyncIterator[Shop]:
    """A place without workers yet."""
    async with jet_on(server) as jet:
        yield Shop(server, jet, body, places=places)
