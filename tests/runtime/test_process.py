"""Deliveries that fail: poison is set aside, its lane goes on, a lost race is no poison."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import pytest
import structlog

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.store import MemoryStore
from keylease.domain.events import Event, RequestCancelled, RequestLapsed
from keylease.domain.outcome import NOTHING, Outcome
from keylease.errors import BadInput, Conflict, Misconfigured, ProviderBusy
from keylease.function import Function
from keylease.runtime.process import MOST_ATTEMPTS, Bound, Commits, Process, Router
from tests.support.build import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Tracebacks of every try would take longer than all the rest."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclass
class Stub:
    """A handler that fails on one kind of event, as often as it is told to."""

    error: Exception
    times: int = 10**9
    seen: list[str] = field(default_factory=list)

    async def __call__(self, event: Event, /) -> Outcome:
        self.seen.append(event.type)
        if event.type == RequestLapsed.type and self.times > 0:
            self.times -= 1
            raise self.error
        return NOTHING


@dataclass
class Bench:
    """One process with one function."""

    handler: Stub
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    store: MemoryStore = field(default_factory=MemoryStore)

    @cached_property
    def process(self) -> Process:
        function = Function(
            name="stub", handler=Stub, consumes=frozenset({RequestLapsed, RequestCancelled})
        )
        commits = Commits(
            store=self.store, clock=self.clock, ids=SeededIds(), router=Router((function,))
        )
        return Process(commits=commits, functions={"stub": Bound(function, self.handler)})

    async def say(self, *subjects: str) -> None:
        """For each a poison, and after it something harmless."""
        for subject in subjects:
            events = (RequestLapsed(request_id=subject), RequestCancelled(request_id=subject))
            await self.process.commits.commit(Outcome(events=events))

    async def run(self, within: timedelta) -> None:
        end = self.clock.now() + within
        while self.clock.now() < end:
            while await self.process.relay():
                pass
            self.clock.advance(timedelta(seconds=5))


@pytest.mark.parametrize("error", [BadInput("no"), Misconfigured("no key")])
async def test_what_will_never_work_is_set_aside_at_once(error: Exception) -> None:
    bench = Bench(Stub(error))
    await bench.say("req-1")

    await bench.run(within=MINUTE)

    (parked,) = await bench.store.parked(limit=10)
    assert parked.reason == str(error)
    assert bench.handler.seen == [RequestLapsed.type, RequestCancelled.type]


async def test_poison_is_set_aside_after_a_while_and_its_lane_goes_on() -> None:
    bench = Bench(Stub(ZeroDivisionError("secret words of a library")))
    await bench.say("req-1", "req-2")

    await bench.run(within=timedelta(hours=2))

    parked = await bench.store.parked(limit=10)
    assert [one.reason for one in parked] == ["ZeroDivisionError"] * 2
    assert bench.handler.seen.count(RequestLapsed.type) == 2 * MOST_ATTEMPTS
    assert bench.handler.seen.count(RequestCancelled.type) == 2
    assert await bench.store.parcels(before=bench.clock.now(), limit=10) == ()


async def test_an_account_that_is_worked_on_for_minutes_parks_nothing() -> None:
    bench = Bench(Stub(Conflict("is being worked on")))
    await bench.say("req-1")

    await bench.run(within=5 * MINUTE)
    bench.handler.times = 0
    await bench.run(within=MINUTE)

    assert await bench.store.parked(limit=10) == ()
    assert bench.handler.seen[-1] == RequestCancelled.type


async def test_a_race_that_is_lost_once_is_run_again_at_once() -> None:
    bench = Bench(Stub(Conflict("lost"), times=1))
    await bench.say("req-1")

    await bench.process.relay()

    assert bench.handler.seen == [RequestLapsed.type, RequestLapsed.type]


async def test_a_provider_is_given_the_time_that_it_asks_for() -> None:
    bench = Bench(Stub(ProviderBusy("slack", "ratelimited", retry_after=90), times=1))
    await bench.say("req-1")

    await bench.run(within=MINUTE)
    early = len(bench.handler.seen)
    await bench.run(within=MINUTE)

    assert early == 1
    assert bench.handler.seen == [RequestLapsed.type] * 2 + [RequestCancelled.type]


async def test_a_destination_that_is_not_here_is_named() -> None:
    bench = Bench(Stub(BadInput("unused")))
    await bench.say("req-1")
    elsewhere = Process(commits=bench.process.commits, functions={})

    await elsewhere.relay()

    (parked, *_) = await bench.store.parked(limit=10)
    assert "nothing here is called function:stub" in parked.reason
