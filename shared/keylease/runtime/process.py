"""The one place that knows inbox, commit and outbox: runs handlers, delivers what they say.

Receiving once: the inbox id is part of the commit of what the message caused. Sending at least
once: events are part of the commit of what they tell. Everything may run twice; one commit wins.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

import structlog

from keylease.domain.events import Event, EventData, TimerTicked
from keylease.domain.outcome import NOTHING, Outcome
from keylease.errors import BadInput, Conflict, Duplicate, KeyleaseError, ProviderError, Retry
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.ids import Ids
from keylease.ports.sinks import Sink
from keylease.ports.store import Batch, InboxId, Outgoing, Parcel, Store
from keylease.ports.tracing import Tracing, Untraced
from keylease.runtime.logging import bound, bound_now

if TYPE_CHECKING:  # only intake takes in messages, and only workers set alarms
    from keylease.domain.intake import Arrived, Reply
    from keylease.ports.transport import Alarm

log = structlog.get_logger(__name__)

RACES = 8
"""How often a handler runs again at once after a lost compare-and-set."""
MOST_ATTEMPTS = 20
"""Deliveries of one parcel before it is parked: about an hour and a half with LONGEST_WAIT."""
MOST_RACES = 500
"""The same for a lost race: somebody may hold an account's turn for minutes."""
LONGEST_WAIT = timedelta(minutes=5)
LONGEST_RACE = timedelta(seconds=5)
"""After a lost race, which is over soon: later events of the lane wait behind this one."""
PATIENCE = timedelta(minutes=5)
"""The longest that one delivery may take."""
BATCH = 64
REFUSED = "refused"
"""Where a host puts what it could not take in: delivery parks it, with the problem it names."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A function with its ports filled in."""

    function: Function
    handler: Callable[..., object]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a delivery failed, and what comes of it."""

    reason: str
    gives_up: bool
    """Whether it needs a person; otherwise it is tried again after `wait`."""
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Router:
    """Which destinations want which event."""

    functions: tuple[Function, ...] = ()
    sinks: tuple[str, ...] = ()

    def destinations(self, content: EventData, /) -> tuple[str, ...]:
        """`function:<name>` for each that consumes it, `sink:<name>` for each sink."""
        takers = (f"function:{f.name}" for f in self.functions if type(content) in f.consumes)
        sinks = (f"sink:{name}" for name in self.sinks if content.is_result)
        return tuple(chain(takers, sinks))


@dataclass(frozen=True, slots=True)
class Commits:
    """Keeps `ports.journal.Journal`: gives events their ids, time and destinations."""

    store: Store
    clock: Clock
    ids: Ids
    router: Router
    wake: Callable[[], None] = lambda: None
    """Called after each commit that left something to deliver."""
    alarm: "Alarm | None" = None
    """Wakes a sweep when what was written falls due; without one the timer finds it."""

    async def commit(
        self,
        outcome: Outcome,
        /,
        *,
        inbox: InboxId | None = None,
        delivers: Parcel | None = None,
    ) -> None:
        """Make an outcome durable, with the inbox id of what caused it."""
        if outcome == NOTHING and delivers is None:
            return
        outgoing = tuple(chain.from_iterable(self._address(event) for event in outcome.events))
        batch = Batch(
            inbox=inbox if outcome != NOTHING else None,
            delivers=delivers,
            records=outcome.records,
            guards=outcome.guards,
            outgoing=outgoing,
            audit=outcome.audit,
        )
        await self.store.commit(batch)
        if outgoing:
            self.wake()
        if self.alarm is not None:
            for at in {x.sweep_at for x in outcome.records if x.sweep_at is not None}:
                await self.alarm.set(at)

    def _address(self, content: EventData) -> tuple[Outgoing, ...]:
        destinations = self.router.destinations(content)
        if not destinations:
            return ()
        traceparent = bound_now().get("traceparent")
        event = Event.of(
            content,
            id=content.natural_id or self.ids.new("evt"),
            time=self.clock.now(),
            traceparent=traceparent,
        )
        return tuple(Outgoing(event=event, destination=name) for name in destinations)


@dataclass(frozen=True, slots=True)
class Process:
    """Runs the functions of one process over one store."""

    commits: Commits
    functions: Mapping[str, Bound]
    sinks: Mapping[str, Sink] = field(default_factory=dict)
    tracing: Tracing = field(default_factory=Untraced)

    async def receive(self, arrived: "Arrived", /) -> "Reply":
        """Take in one verified message: inbox and effect in one commit, then the reply.

        Raises:
            Conflict: the store was too busy; the sender shall try again.
        """
        inbox = InboxId(source=f"{arrived.source}/{arrived.tenant}", key=arrived.key)
        with (
            self.tracing.span(f"receive {arrived.source}", parent=arrived.traceparent) as trace,
            bound(traceparent=trace),
        ):
            for _ in range(RACES):
                outcome, reply = await self.functions["intake"].handler(arrived)  # type: ignore[misc]  # intake answers with both
                try:
                    await self.commits.commit(outcome, inbox=inbox)
                except Conflict:
                    continue
                except Duplicate:
                    log.info("intake.repeated", source=inbox.source, request_id=reply.request_id)
                return reply  # type: ignore[no-any-return]  # as above
        msg = "too many commits at once; send it again"
        raise Conflict(msg)

    async def run(self, name: str, event: Event, /, *, parcel: Parcel | None = None) -> None:
        """Run one function on one event; commit what it decides, and that the parcel came.

        Raises:
            Duplicate: it was processed before.
            KeyleaseError: as its `retry` says.
        """
        inbox = InboxId(source=f"function:{name}", key=event.id)
        await self._commit_of(name, event, inbox=inbox, parcel=parcel)

    async def tick(self) -> None:
        """Let sweep find what is due."""
        now = self.commits.clock.now()
        tick = Event.of(TimerTicked(), id=f"tick-{now.isoformat()}", time=now)
        await self._commit_of("sweep", tick)

    async def _commit_of(
        self, name: str, event: Event, *, inbox: InboxId | None = None, parcel: Parcel | None = None
    ) -> None:
        for _ in range(RACES):
            try:
                outcome = await self.functions[name].handler(event)  # type: ignore[misc]  # all but intake answer with an Outcome
                await self.commits.commit(outcome, inbox=inbox, delivers=parcel)
            except Conflict:
                continue
            return
        msg = f"{name} lost {RACES} races in a row"
        raise Conflict(msg)

    async def relay(self) -> int:
        """Deliver what may be delivered now, one parcel per lane; returns how many were tried."""
        now = self.commits.clock.now()
        parcels = await self.commits.store.parcels(before=now, limit=BATCH)
        async with asyncio.TaskGroup() as group:
            for parcel in parcels:
                group.create_task(self.deliver(parcel))
        return len(parcels)

    async def deliver(self, parcel: Parcel, /) -> None:
        """Hand one parcel over, and note what became of it."""
        with about(parcel):
            trouble = await self.attempt(parcel)
            if trouble is not None:
                await self._trouble(parcel, trouble)

    async def attempt(self, parcel: Parcel, /) -> Trouble | None:
        """Hand one parcel over and forget it, or say what stood in the way."""
        event, destination = parcel.outgoing.event, parcel.outgoing.destination
        words = {"type": event.type, "subject": event.subject, "event_id": event.id}
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._traced(parcel)
        except Duplicate:
            await self.commits.store.delivered(parcel)
        except KeyleaseError as e:
            return judged(e, attempts=parcel.attempts, jitter=self.commits.ids.jitter())
        except Exception as e:  # a fault of ours: never dropped, never acknowledged as done
            log.exception("delivery.crashed", destination=destination)
            return judged(e, attempts=parcel.attempts, jitter=self.commits.ids.jitter())
        else:
            log.info("event.delivered", destination=destination, **words)
        return None

    async def _traced(self, parcel: Parcel) -> None:
        event, destination = parcel.outgoing.event, parcel.outgoing.destination
        about = {"event.type": event.type, "event.id": event.id, "event.subject": event.subject}
        with (
            self.tracing.span(f"deliver {destination}", parent=event.traceparent, **about) as trace,
            bound(traceparent=trace),
        ):
            await self._hand_over(parcel)

    async def _hand_over(self, parcel: Parcel) -> None:
        role, _, name = parcel.outgoing.destination.partition(":")
        if role == "function" and name in self.functions:
            kept = parcel if parcel.seq else None
            await self.run(name, parcel.outgoing.event, parcel=kept)
        elif role == "sink" and name in self.sinks:
            await self.sinks[name].deliver(parcel.outgoing.event)
            await self.commits.store.delivered(parcel)
        elif role == REFUSED:
            raise BadInput(str(parcel.outgoing.event.data.get("problem")))
        else:
            msg = f"nothing here is called {parcel.outgoing.destination}; configure it, then retry"
            raise BadInput(msg, field="destination")

    async def _trouble(self, parcel: Parcel, trouble: Trouble) -> None:
        now, reason = self.commits.clock.now(), trouble.reason
        words = {"type": parcel.outgoing.event.type, "reason": reason}
        if trouble.gives_up:
            log.error("event.parked", destination=parcel.outgoing.destination, **words)
            await self.commits.store.park(parcel, reason=reason, at=now)
            return
        log.warning("event.postponed", destination=parcel.outgoing.destination, **words)
        await self.commits.store.postpone(parcel, until=now + trouble.wait)


def judged(e: Exception, /, *, attempts: int, jitter: float) -> Trouble:
    """What to do about a delivery that failed for the `attempts + 1`st time."""
    is_race = isinstance(e, Conflict)
    most, longest = (MOST_RACES, LONGEST_RACE) if is_race else (MOST_ATTEMPTS, LONGEST_WAIT)
    wait = min(longest, timedelta(seconds=2 ** min(attempts, 12))) * jitter
    asked = e.retry_after if isinstance(e, ProviderError) else None
    if asked is not None:
        wait = max(wait, timedelta(seconds=asked))
    # A foreign exception's words may hold anything; ours hold no secret (errors.py).
    reason = str(e) if isinstance(e, KeyleaseError) else type(e).__name__
    is_final = isinstance(e, KeyleaseError) and e.retry is Retry.NEVER
    return Trouble(reason=reason, gives_up=is_final or attempts + 1 >= most, wait=wait)


def about(parcel: Parcel, /) -> AbstractContextManager[object]:
    """What every log line says while this parcel is handed over."""
    event = parcel.outgoing.event
    return bound(**_ids_of(event), attempt=parcel.attempts + 1, traceparent=event.traceparent)


def _ids_of(event: Event) -> dict[str, object]:
    """The ids that every log line of this event carries."""
    names = ("request_id", "lease_id", "account_id", "rule")
    return {name: event.data[name] for name in names if name in event.data}
