"""The worker host: takes from the bus what waits for its functions, and answers for each message.

Any number of workers and entrances run side by side on one store and one bus. A worker's own
commits leave parcels too, so it relays as an entrance does; one that sweeps keeps the timer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from keylease.errors import KeyleaseError, Misconfigured, ProviderTransient
from keylease.hosts.local import Loops, Turn, answering, listening, stop_asked, turning
from keylease.ports.transport import Bell, Delivery, Queue, Transport
from keylease.runtime.bus import open_bus
from keylease.runtime.filling import Wrap, unwrapped
from keylease.runtime.process import MOST_RACES, Process, Trouble, about
from keylease.runtime.relay import first, guarded
from keylease.runtime.sending import RESEND, Sending, mended
from keylease.runtime.settings import Settings
from keylease.runtime.wiring import FUNCTIONS, Keylease, running

log = structlog.get_logger(__name__)

ENTRANCES = frozenset({"intake", "claim"})
"""What people and machines call; they run where HTTP is served."""
SWEEP = "sweep"
WORKERS = FUNCTIONS - ENTRANCES
AWAY = timedelta(seconds=1)
"""Pause when the bus is away."""
BEATS = 3
"""How often within the bus's patience it hears that somebody still works."""


@dataclass(slots=True, eq=False)
class Line:
    """One function's queue, and who of it is in hand here."""

    name: str
    queue: Queue
    most: int
    in_hand: set[Delivery] = field(default_factory=set)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def place(self) -> int:
        """Wait for a free place; how many there are."""
        while len(self.in_hand) >= self.most:
            self.freed.clear()
            await self.freed.wait()
        return self.most - len(self.in_hand)


@dataclass(slots=True, eq=False)
class Desk:
    """Where deliveries are worked on."""

    process: Process
    loops: Loops
    patience: timedelta

    async def consume(self, line: Line, /) -> None:
        """Take and answer until a stop is asked for; then leave the line, and finish."""
        async with beating(self.patience / BEATS, line.in_hand), asyncio.TaskGroup() as works:
            taking = works.create_task(self._taking(line, works))
            try:
                await self.loops.stopping.wait()
            finally:
                taking.cancel()  # a request that waits at the bus would swallow what comes back
                await asyncio.wait((taking,))
                with suppress(KeyleaseError):
                    await line.queue.leave()

    async def listen(self, bell: Bell, /) -> None:
        """Sweep whenever an alarm rings."""
        async with asyncio.TaskGroup() as sweeps:
            listening = sweeps.create_task(self._listening(bell, sweeps))
            await self.loops.stopping.wait()
            listening.cancel()

    async def _listening(self, bell: Bell, sweeps: asyncio.TaskGroup) -> None:
        while True:
            if await guarded("alarm", partial(self._rung, bell), default=False):
                await asyncio.wait((sweeps.create_task(self._swept()),))  # a stop lets it end

    async def _swept(self) -> None:
        await guarded("alarm", self.process.tick, default=None)

    async def _taking(self, line: Line, works: asyncio.TaskGroup) -> None:
        while True:
            taken: tuple[Delivery, ...] = await guarded(
                f"queue {line.name}", partial(self._taken, line, await line.place()), default=()
            )
            for delivery in taken:
                line.in_hand.add(delivery)
                works.create_task(self._worked(line, delivery))

    async def _taken(self, line: Line, free: int) -> tuple[Delivery, ...]:
        try:
            return await line.queue.take(free)
        except ProviderTransient:
            await first(self.loops.stopping, within=AWAY)
            await mended(line.queue)
            return ()

    async def _rung(self, bell: Bell) -> bool:
        try:
            return await bell.rung()
        except ProviderTransient:
            await first(self.loops.stopping, within=AWAY)
            await mended(bell)
            return False

    async def _worked(self, line: Line, delivery: Delivery) -> None:
        try:
            await guarded("delivery", partial(self._answered, delivery), default=None)
        except asyncio.CancelledError:
            with suppress(ProviderTransient):
                await delivery.again(after=timedelta(0))
            raise
        finally:
            line.in_hand.discard(delivery)
            line.freed.set()
            self.loops.wake.set()

    async def _answered(self, delivery: Delivery) -> None:
        """Run its function, then say to the bus what became of it."""
        parcel = delivery.parcel
        if parcel is None:
            await self._bury(delivery, delivery.flaw)
            return
        with about(parcel):
            if parcel.attempts >= MOST_RACES:  # nobody lived long enough to answer
                await self._bury(delivery, "was given to workers too often")
                return
            trouble = await self.process.attempt(parcel)
            if trouble is None:
                await delivery.done()
            elif trouble.gives_up:
                await self._bury(delivery, trouble.reason)
            else:
                await self._later(delivery, trouble)

    async def _later(self, delivery: Delivery, trouble: Trouble) -> None:
        """The bus gives it again; meanwhile the outbox need not send it again."""
        parcel, commits = delivery.parcel, self.process.commits
        log.warning("event.postponed", reason=trouble.reason, wait=trouble.wait.total_seconds())
        if parcel is not None:
            until = commits.clock.now() + trouble.wait + RESEND
            await commits.store.postpone(parcel, until=until)
        await delivery.again(after=trouble.wait)

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        parcel = delivery.parcel
        destination = parcel.outgoing.destination if parcel else ""
        log.error("event.buried", reason=reason, destination=destination)
        await delivery.bury(reason)
        if parcel is not None:
            await self.process.commits.store.delivered(parcel)


@asynccontextmanager
async def beating(every: timedelta, in_hand: Collection[Delivery], /) -> AsyncIterator[None]:
    """Meanwhile, say of all these that somebody works on them; also while a stop waits for them."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(every.total_seconds())
            for delivery in tuple(in_hand):
                with suppress(ProviderTransient):
                    await delivery.working()

    async with asyncio.TaskGroup() as group:
        beats = group.create_task(beat())
        try:
            yield
        finally:
            beats.cancel()


@asynccontextmanager
async def working(
    settings: Settings, /, *, functions: Iterable[str] = WORKERS, wrap: Wrap = unwrapped
) -> AsyncIterator[Keylease]:
    """Work until the context is left, then finish what is in hand.

    Raises:
        Misconfigured: there is no bus, or it is not what it must be.
    """
    chosen = frozenset(functions)
    if not chosen or chosen - WORKERS:
        asked = ", ".join(sorted(chosen - WORKERS)) or "nothing"
        msg = f"no worker runs {asked}; choose of {', '.join(sorted(WORKERS))}"
        raise Misconfigured(msg)
    async with AsyncExitStack() as stack:
        bus, wake = await stack.enter_async_context(open_bus(settings)), asyncio.Event()
        keylease = await stack.enter_async_context(
            running(
                settings, functions=chosen, wrap=wrap, wake=wake.set, alarm=bus.alarm, relays=True
            )
        )
        process = keylease.process
        loops = looping(keylease, wake, bus.transport)
        desk = Desk(process, loops, bus.transport.patience)
        turns: dict[str, Turn] = {"relay": loops.relay, "gauges": loops.gauges}
        for name in sorted(chosen - {SWEEP}):
            queue = await stack.enter_async_context(bus.transport.queue(name))
            turns[name] = partial(desk.consume, Line(name, queue, at_once(settings)))
        if SWEEP in chosen:
            bell = await stack.enter_async_context(bus.alarm.ringing())
            turns |= {"sweep": loops.sweep, "alarms": partial(desk.listen, bell)}
        await stack.enter_async_context(turning(turns, stop=loops.stop, drain=settings.drain))
        await stack.enter_async_context(healthy(keylease))
        log.info("worker.ready", functions=sorted(chosen))
        yield keylease
        log.info("worker.stopping", drain=settings.drain.total_seconds())
    log.info("worker.stopped")


@asynccontextmanager
async def healthy(keylease: Keylease, /) -> AsyncIterator[None]:
    """Answer /healthz and /readyz where the setting `health` says, to whoever keeps it running."""
    settings = keylease.settings
    if settings.health is None:
        yield
        return
    host, _, port = settings.health.rpartition(":")
    at = settings.model_copy(update={"host": host.strip("[]"), "port": int(port)})
    with listening(at) as listener:
        async with answering(keylease, listener):
            yield


def looping(keylease: Keylease, wake: asyncio.Event, transport: Transport, /) -> Loops:
    """The loops of a process that has a bus."""
    settings = keylease.settings
    return Loops(
        process=keylease.process,
        every=settings.sweep_every,
        wake=wake,
        measure=settings.telemetry.every if settings.telemetry else None,
        hand_over=Sending(keylease.process, transport).deliver,
        transport=transport,
    )


def at_once(settings: Settings, /) -> int:
    """Events of one function in hand here."""
    return settings.nats.at_once if settings.nats else 1


async def work(
    settings: Settings,
    /,
    *,
    announce: Callable[[str], None],
    functions: Iterable[str] = WORKERS,
) -> None:
    """Run as a program, until SIGTERM or SIGINT."""
    stopped = stop_asked()
    async with working(settings, functions=functions):
        announce("ready")
        await stopped.wait()
