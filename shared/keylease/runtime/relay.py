"""Keeps delivering what the outbox holds; no lane waits for another one's slow receiver.

It gives way: while turns of the loop are long, it starts fewer deliveries, so that a chat system
that waits for its acknowledgement is served first. What waits in the outbox is safe there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import structlog

from keylease.ports.store import Parcel
from keylease.runtime.process import Process

log = structlog.get_logger(__name__)

AT_ONCE = 64
"""Deliveries under way in one process."""
AT_ONCE_EACH = 16
"""Of these, to one destination: a dead sink cannot take all places."""
FEWEST = 2
"""Deliveries under way at least, however busy the loop is."""
LONG_TURN = timedelta(milliseconds=4)
"""A turn of the loop that takes longer has too much to do: an answer takes several turns."""
PAUSE = timedelta(milliseconds=10)
"""Between two looks at the outbox: many deliveries that end together need one."""
IDLE = timedelta(seconds=0.5)
"""How often the outbox is looked at without a reason: other processes commit to it too."""


T = TypeVar("T")
AFTER_FAULT = timedelta(seconds=1)


@dataclass(slots=True)
class Relay:
    """Starts deliveries as places become free. `wake` is set when there may be more to deliver."""

    process: Process
    wake: asyncio.Event
    in_hand: dict[int, str] = field(default_factory=dict)
    """Sequence numbers of parcels under way, with their destinations."""
    places: int = AT_ONCE
    """Deliveries that may be under way now."""
    hand_over: Callable[[Parcel], Awaitable[None]] | None = None
    """What is done with a parcel; left out: the process delivers it."""

    async def run(self, *, until: asyncio.Event) -> None:
        """Deliver until a stop is asked for, then finish what is in hand."""
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                await self._give_way()
                self.wake.clear()
                started = await self._start(group) if len(self.in_hand) < self.places else 0
                if not started:
                    await first(self.wake, within=IDLE)

    async def _give_way(self) -> None:
        """Pause for a moment; halve the places after a long turn, add one after a short one."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(PAUSE.total_seconds())
        begun = loop.time()
        await asyncio.sleep(0)
        if loop.time() - begun > LONG_TURN.total_seconds():
            self.places = max(FEWEST, self.places // 2)
        else:
            self.places = min(AT_ONCE, self.places + 1)

    async def _start(self, group: asyncio.TaskGroup) -> int:
        """Begin what may begin now; returns how many deliveries that was."""
        fresh: tuple[Parcel, ...] = await guarded("relay", self._next, default=())
        for parcel in fresh:
            self.in_hand[parcel.seq] = parcel.outgoing.destination
            group.create_task(self._deliver(parcel))
            await asyncio.sleep(0)  # one beginning per turn of the loop
        return len(fresh)

    async def _next(self) -> tuple[Parcel, ...]:
        """Parcels that are not under way and have a place.

        One whose delivery ends during this look may still be seen by it, so it is left out.
        """
        commits, under_way = self.process.commits, frozenset(self.in_hand)
        limit = self.places + len(under_way)
        parcels = await commits.store.parcels(before=commits.clock.now(), limit=limit)
        busy, chosen = Counter(self.in_hand.values()), list[Parcel]()
        for parcel in parcels:
            destination = parcel.outgoing.destination
            has_place = busy[destination] < AT_ONCE_EACH and busy.total() < self.places
            if has_place and parcel.seq not in under_way:
                busy[destination] += 1
                chosen.append(parcel)
        return tuple(chosen)

    async def _deliver(self, parcel: Parcel) -> None:
        hand_over = self.hand_over or self.process.deliver
        try:
            await guarded("delivery", lambda: hand_over(parcel), default=None)
        finally:
            del self.in_hand[parcel.seq]
            self.wake.set()


async def guarded(name: str, work: Callable[[], Awaitable[T]], *, default: T) -> T:
    """Run it; a fault is logged, and after a pause the next turn tries again."""
    try:
        return await work()
    except Exception:
        log.exception("serve.turn_failed", turn=name)
    await asyncio.sleep(AFTER_FAULT.total_seconds())
    return default


async def first(event: asyncio.Event, *, within: timedelta) -> None:
    """Wait for the event, no longer than that."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await event.wait()
    except TimeoutError:
        return
