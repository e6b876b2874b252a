"""One function on Function Compute: runs what a trigger hands over, then delivers what waits.

The store is the queue between functions: whatever an invocation leaves behind, the next one finds
there, and the timer's comes every minute. So an invocation may be cut at any point.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from pydantic import JsonValue

from keylease.domain.events import Event
from keylease.errors import BadInput, NotGenuine
from keylease.hosts.fc.payload import (
    Asked,
    Events,
    Foreign,
    Item,
    Tick,
    Told,
    Unreadable,
    unreadable,
)
from keylease.hosts.fc.told import read_told
from keylease.ports.store import Batch, Outgoing, Parcel
from keylease.runtime.process import REFUSED, Process, about
from keylease.runtime.settings import Settings
from keylease.runtime.whole import whole
from keylease.runtime.wiring import Keylease, running

log = structlog.get_logger(__name__)

RESERVE = 2.0
"""Seconds before the deadline at which no delivery is begun any more."""
REFUSED_TYPE = "io.keylease.message.refused.v1"
"""Stands for a message that nobody can take; it holds the digest, never the message."""


class Became(StrEnum):
    """What became of one event of an invocation."""

    DONE = "done"
    KEPT = "kept"
    """It failed, and waits in the outbox: tried again, or parked, as anywhere else."""
    PARKED = "parked"
    """Nobody can read it, or its sender may not send it: a person shall look."""
    IGNORED = "ignored"
    """It is not for this function."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the events of an invocation."""

    became: tuple[Became, ...]
    is_calm: bool
    """Whether everything that could be delivered was; the next invocation goes on."""

    def as_json(self) -> dict[str, JsonValue]:
        """What the trigger, and a destination behind it, gets to see."""
        counts = {str(one): self.became.count(one) for one in sorted(set(self.became))}
        return {**counts, "calm": self.is_calm}


@dataclass(slots=True)
class Unit:
    """One function with what it needs, and the others as soon as something waits for them."""

    name: str
    keylease: Keylease
    _whole: Process | None = field(default=None, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """One invocation delivers at a time: two would deliver the same twice."""

    async def take(self, payload: Tick | Events, /, *, until: float) -> Summary:
        """Do all of it, and deliver what waits, by `until` on the loop's clock.

        Raises:
            KeyleaseError: the store did not take it; the trigger shall send it again.
        """
        if isinstance(payload, Tick):
            await (await self._all()).tick()
            became: tuple[Became, ...] = (Became.DONE,)
        else:
            became = tuple([await self._one(item) for item in payload.items])
        return Summary(became, is_calm=await self._deliver(until=until))

    async def _one(self, item: Item) -> Became:
        match item:
            case Foreign():
                return Became.IGNORED
            case Unreadable():
                return await self._park(item)
            case Told(document) | Asked(document):
                work = self._told if isinstance(item, Told) else self._asked
                try:
                    return await work(document)
                except (BadInput, NotGenuine) as e:
                    return await self._park(unreadable(str(e), document))

    async def _told(self, document: Mapping[str, JsonValue]) -> Became:
        process, settings = self.keylease.process, self.keylease.settings
        function = process.functions[self.name].function
        event = read_told(document, source=settings.base_url, function=function)
        if event is None:
            return Became.IGNORED
        outgoing = Outgoing(event=event, destination=f"function:{self.name}")
        parcel = Parcel(seq=0, outgoing=outgoing, attempts=0)
        with about(parcel):
            if await process.attempt(parcel) is None:
                return Became.DONE
            await self.keylease.store.commit(Batch(outgoing=(outgoing,)))
        return Became.KEPT

    async def _asked(self, document: Mapping[str, JsonValue]) -> Became:
        if self.name != "intake":
            return Became.IGNORED
        from keylease.runtime.entrances import queue_door  # noqa: PLC0415  # only intake has doors

        arrived = queue_door(self.keylease.settings).open(document)
        reply = await self.keylease.process.receive(arrived)
        log.info("intake.received", request_id=reply.request_id, refused=reply.refused)
        return Became.DONE

    async def _park(self, item: Unreadable) -> Became:
        """Show it to a person, once for each distinct message."""
        event = Event(
            id=f"refused-{self.name}-{item.digest}",
            type=REFUSED_TYPE,
            subject=self.name,
            time=self.keylease.clock.now(),
            data={"problem": item.problem, "digest": item.digest, "size": item.size},
        )
        outgoing = Outgoing(event=event, destination=f"{REFUSED}:{self.name}")
        await self.keylease.store.commit(Batch(outgoing=(outgoing,)))
        return Became.PARKED

    async def _deliver(self, *, until: float) -> bool:
        """Empty the outbox; False when time ran out first. An empty one loads nothing."""
        loop, now = asyncio.get_running_loop(), self.keylease.clock.now()
        if not await self.keylease.store.lanes(before=now, limit=1):
            return True
        try:
            async with asyncio.timeout_at(until), self._turn:
                process = await self._all()
                while loop.time() < until - RESERVE:
                    if not await process.relay():
                        return True
        except TimeoutError:
            log.warning("fc.cut_short", function=self.name)
        return False

    async def _all(self) -> Process:
        if self._whole is None:
            self._whole = await whole(self.keylease)
        return self._whole


@asynccontextmanager
async def unit(
    name: str, /, *, settings: Settings, variables: Mapping[str, str]
) -> AsyncIterator[Unit]:
    """A function, open until the context is left.

    Raises:
        Misconfigured: something that it needs cannot be had; says what to do.
    """
    async with running(settings, functions=(name,), variables=variables) as keylease:
        yield Unit(name=name, keylease=keylease)
