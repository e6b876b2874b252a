"""Four programs that do the same: take a message from JetStream, call a function, acknowledge."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import nats
from faststream.nats import JStream, NatsBroker, PullSub
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StreamConfig
from taskiq.receiver import Receiver
from taskiq_nats import PullBasedJetStreamBroker

from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.store import MemoryStore
from keylease.adapters.system.clock import SystemClock
from keylease.domain.events import Event, RequestSubmitted
from keylease.domain.outcome import NOTHING, Outcome
from keylease.function import Function
from keylease.hosts.local import Loops, turning
from keylease.hosts.worker import Desk, Line
from keylease.ports.store import Batch, Outgoing, Parcel
from keylease.runtime.process import Bound, Commits, Process, Router
from tests.support.build import NOW
from tests.support.bus import WIRE, jet_on, transport_on
from tests.support.nats_server import NatsServer

BATCH = 16
"""Messages that a program has in hand: what a worker takes unless it is told otherwise."""
ROUTE = Function(name="decide", handler=object, consumes=frozenset({RequestSubmitted}))
Send = Callable[[], Awaitable[object]]


class Forgetful(MemoryStore):
    """Keeps nothing."""

    async def commit(self, batch: Batch, /) -> None:
        """Forget it."""


@dataclass(slots=True)
class Tally:
    """Counts calls of the function."""

    left: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, count: int, /) -> None:
        self.left = count
        self.over.clear()

    def one(self) -> None:
        self.left -= 1
        if not self.left:
            self.over.set()


@dataclass(frozen=True, slots=True)
class Side:
    """One program, which works until its context is left."""

    js: JetStreamContext
    stream: str
    consumer: str
    ready: Callable[[Parcel], Send]
    """How a message is sent: what the program itself must write for it, it writes then."""
    tally: Tally

    async def settled(self) -> None:
        """Until every message was handled and the server has each acknowledgement."""
        await self.tally.over.wait()
        info = await self.js.consumer_info(self.stream, self.consumer)
        while info.num_ack_pending:
            info = await self.js.consumer_info(self.stream, self.consumer)
        assert not self.tally.left, "a message was handled twice"


def parcels(first: int, count: int, /) -> list[Parcel]:
    """Of requests that were just submitted."""
    return [parcel(number) for number in range(first, first + count)]


def parcel(number: int, /) -> Parcel:
    event = Event.of(RequestSubmitted(request_id=f"req-{number}"), id=f"evt-{number}", time=NOW)
    return Parcel(
        seq=number, outgoing=Outgoing(event=event, destination="function:decide"), attempts=0
    )


@asynccontextmanager
async def keylease(server: NatsServer, /) -> AsyncIterator[Side]:
    """The worker host as it is, on a store that keeps nothing."""
    tally = Tally()

    async def nothing(_: Event) -> Outcome:
        tally.one()
        return NOTHING

    commits = Commits(Forgetful(), SystemClock(), SeededIds(), Router(functions=(ROUTE,)))
    process = Process(commits=commits, functions={"decide": Bound(ROUTE, nothing)})
    async with jet_on(server) as jet:
        transport = transport_on(jet)
        loops = Loops(process, timedelta(hours=1), asyncio.Event())
        desk = Desk(process, loops, transport.patience)
        async with transport.queue("decide") as queue:
            line = Line("decide", queue, BATCH)
            turns = {"decide": lambda: desk.consume(line)}
            async with turning(turns, stop=loops.stop, drain=timedelta(seconds=5)):
                ready = partial(partial, transport.send)
                yield Side(jet.js, jet.layout.stream, "decide", ready, tally)


@asynccontextmanager
async def bare(server: NatsServer, /) -> AsyncIterator[Side]:
    """Nothing but nats-py: the bytes and headers of ours, written before and read by nobody."""
    tally = Tally()

    def ready(parcel: Parcel) -> Send:
        body, headers = WIRE.written(parcel)
        return partial(js.publish, "bare", body, headers=headers, stream="BARE")

    async def work() -> None:
        line = await js.pull_subscribe("bare", durable="bare", stream="BARE")
        while True:
            for msg in await line.fetch(BATCH, timeout=None):
                tally.one()
                await msg.ack()

    client = await nats.connect(server.url)
    js = client.jetstream()
    try:
        await js.add_stream(name="BARE", subjects=["bare"], retention=RetentionPolicy.WORK_QUEUE)
        async with beside(work()):
            yield Side(js, "BARE", "bare", ready, tally)
    finally:
        await client.close()


@asynccontextmanager
async def faststream(server: NatsServer, /) -> AsyncIterator[Side]:
    """FastStream, whose function takes the event as a model."""
    tally = Tally()
    broker = NatsBroker(server.url, logger=None)
    stream = JStream("FAST", subjects=["fast"], retention=RetentionPolicy.WORK_QUEUE)

    @broker.subscriber(
        "fast", stream=stream, durable="fast", pull_sub=PullSub(batch_size=BATCH, timeout=None)
    )
    async def nothing(_: Event) -> None:
        tally.one()

    def ready(parcel: Parcel) -> Send:
        return partial(broker.publish, parcel.outgoing.event, "fast", stream="FAST")

    async with broker:
        await broker.start()
        js = broker.config.connection_state.stream
        yield Side(js, "FAST", "fast", ready, tally)


@asynccontextmanager
async def taskiq(server: NatsServer, /) -> AsyncIterator[Side]:
    """taskiq, whose task takes the event as a model and keeps no result."""
    tally = Tally()
    broker = PullBasedJetStreamBroker(
        server.url,
        subject="taskiq",
        stream_name="TASKIQ",
        stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
        durable="taskiq",
        pull_consume_batch=BATCH,
    )

    @broker.task(task_name="nothing")
    async def nothing(_: Event) -> None:
        tally.one()

    def ready(parcel: Parcel) -> Send:
        return partial(nothing.kiq, parcel.outgoing.event)

    await broker.startup()
    receiver = Receiver(broker, max_async_tasks=BATCH, run_startup=False)
    async with beside(receiver.listen(asyncio.Event())):
        yield Side(broker.js, "TASKIQ", "taskiq", ready, tally)
    await broker.shutdown()


@asynccontextmanager
async def beside(work: Coroutine[object, object, None], /) -> AsyncIterator[None]:
    """Run it until the context is left."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()
