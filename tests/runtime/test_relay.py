"""Lanes do not wait for each other."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.store import MemoryStore
from keylease.domain.events import Event, RequestCancelled
from keylease.domain.outcome import Outcome
from keylease.errors import ProviderTransient
from keylease.ports.sinks import Sink
from keylease.ports.store import Parcel
from keylease.runtime.logging import bound, bound_now
from keylease.runtime.process import Commits, Process, Router
from keylease.runtime.relay import AT_ONCE_EACH, Relay
from tests.support.said import with_bound


@dataclass
class Gate:
    """A sink that keeps everybody waiting until it is opened."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    seen: list[str] = field(default_factory=list)

    async def deliver(self, event: Event, /) -> None:
        self.waiting += 1
        await self.opened.wait()
        self.seen.append(event.subject)


@dataclass
class Broken:
    """A sink that meets a fault of ours, once."""

    seen: list[str] = field(default_factory=list)
    failed: bool = False

    async def deliver(self, event: Event, /) -> None:
        if not self.failed:
            self.failed = True
            msg = "a fault"
            raise RuntimeError(msg)
        self.seen.append(event.subject)


def relay_to(**sinks: Sink) -> Relay:
    wake = asyncio.Event()
    commits = Commits(
        store=MemoryStore(),
        clock=ManualClock(),
        ids=SeededIds(),
        router=Router(sinks=tuple(sinks)),
        wake=wake.set,
    )
    return Relay(process=Process(commits=commits, functions={}, sinks=sinks), wake=wake)


async def say(relay: Relay, *subjects: str) -> None:
    events = tuple(RequestCancelled(request_id=subject) for subject in subjects)
    await relay.process.commits.commit(Outcome(events=events))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # a sink of ours has no event for it
            await asyncio.sleep(0.01)


async def test_a_slow_receiver_does_not_hold_up_another_one() -> None:
    slow, quick = Gate(), Gate()
    quick.opened.set()
    relay, stop = relay_to(slow=slow, quick=quick), asyncio.Event()
    await say(relay, "req-1", "req-2")

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await until(lambda: len(quick.seen) == 2)
        await say(relay, "req-3")
        await until(lambda: len(quick.seen) == 3)
        assert slow.seen == []
        slow.opened.set()
        stop.set()
        relay.wake.set()

    assert sorted(quick.seen) == ["req-1", "req-2", "req-3"]


async def test_one_destination_never_takes_all_places() -> None:
    slow, quick = Gate(), Gate()
    quick.opened.set()
    relay, stop = relay_to(slow=slow, quick=quick), asyncio.Event()
    subjects = [f"req-{n}" for n in range(3 * AT_ONCE_EACH)]
    await say(relay, *subjects)

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await until(lambda: len(quick.seen) == len(subjects))
        assert slow.waiting == AT_ONCE_EACH
        slow.opened.set()
        stop.set()
        relay.wake.set()


async def test_events_of_one_subject_stay_in_order() -> None:
    slow = Gate()
    relay, stop = relay_to(slow=slow), asyncio.Event()
    await say(relay, "req-1")
    await say(relay, "req-1")

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await until(lambda: slow.waiting == 1)
        await asyncio.sleep(0.05)
        assert slow.waiting == 1
        slow.opened.set()
        await until(lambda: slow.waiting == 2)
        stop.set()
        relay.wake.set()


async def test_what_is_delivered_during_a_look_is_not_delivered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Gate()
    relay, stop = relay_to(slow=slow), asyncio.Event()
    looks, seen, parcels = 0, asyncio.Event(), MemoryStore.parcels
    seen.set()

    async def seen_late(store: MemoryStore, *, before: datetime, limit: int) -> tuple[Parcel, ...]:
        nonlocal looks
        found = await parcels(store, before=before, limit=limit)
        looks += 1
        await seen.wait()
        return found

    monkeypatch.setattr(MemoryStore, "parcels", seen_late)
    await say(relay, "req-1")

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await until(lambda: slow.waiting == 1)
        seen.clear()
        begun = looks
        relay.wake.set()
        await until(lambda: looks > begun)
        slow.opened.set()
        await until(lambda: not relay.in_hand)
        seen.set()
        await until(lambda: looks > begun + 1)
        stop.set()
        relay.wake.set()

    assert slow.seen == ["req-1"]


async def test_a_stop_finishes_what_is_in_hand() -> None:
    slow = Gate()
    relay, stop = relay_to(slow=slow), asyncio.Event()
    await say(relay, "req-1")

    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run(until=stop))
        await until(lambda: slow.waiting == 1)
        stop.set()
        relay.wake.set()
        await asyncio.sleep(0.05)
        assert not running.done()
        slow.opened.set()

    assert slow.seen == ["req-1"]


async def test_a_fault_of_ours_is_tried_again() -> None:
    sink = Broken()
    relay, stop = relay_to(broken=sink), asyncio.Event()
    await say(relay, "req-1")

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await until(lambda: sink.failed)
        clock = relay.process.commits.clock
        assert isinstance(clock, ManualClock)
        clock.advance(timedelta(minutes=1))
        relay.wake.set()
        await until(lambda: sink.seen == ["req-1"])
        stop.set()
        relay.wake.set()


async def test_a_commit_wakes_the_relay() -> None:
    quick = Gate()
    quick.opened.set()
    relay, stop = relay_to(quick=quick), asyncio.Event()

    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(until=stop))
        await asyncio.sleep(0.05)
        await say(relay, "req-1")
        async with asyncio.timeout(0.4):  # sooner than it would look without a reason
            await until(lambda: len(quick.seen) == 1)
        stop.set()
        relay.wake.set()

    assert quick.seen == ["req-1"]


async def test_an_event_that_waits_for_another_try_says_for_what() -> None:
    class Failing:
        async def deliver(self, _: Event, /) -> None:
            raise ProviderTransient("events", "http_500")

    relay = relay_to(events=Failing())
    await say(relay, "req-1")

    with capture_logs(processors=[with_bound]) as logs:
        await relay.process.relay()

    (line,) = logs
    assert (line["event"], line["reason"]) == ("event.postponed", "events: http_500")
    assert (line["destination"], line["request_id"]) == ("sink:events", "req-1")
    assert line["type"] == "io.keylease.request.cancelled.v1"
    assert line["attempt"] == 1


async def test_what_one_delivery_binds_to_its_log_is_not_seen_by_another() -> None:
    seen: list[Mapping[str, object]] = []

    class Binding:
        async def deliver(self, event: Event, /) -> None:
            with bound(lease_id=f"lease-of-{event.subject}"):
                await asyncio.sleep(0.01)
                seen.append(bound_now())

    relay = relay_to(binding=Binding())
    await say(relay, "req-1", "req-2")

    await relay.process.relay()

    pairs = {(line["request_id"], line["lease_id"]) for line in seen}
    assert pairs == {("req-1", "lease-of-req-1"), ("req-2", "lease-of-req-2")}
    assert not bound_now()
