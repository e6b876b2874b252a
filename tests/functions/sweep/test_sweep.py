"""What is due is said, not more often than needed, and again when nothing happens."""

from datetime import timedelta

import pytest

from functions.sweep.handler import INBOX_KEPT, REPEAT, Sweep
from keylease.domain.account import Account
from keylease.domain.events import Event, EventData, LeaseEndDue, TimerTicked
from keylease.domain.genuine import WINDOW
from keylease.domain.lease import Lease
from keylease.domain.outcome import Outcome
from keylease.domain.schedule import Schedule
from keylease.errors import Duplicate
from keylease.ports.store import Batch, InboxId
from keylease.runtime.process import (
    LONGEST_RACE,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    MOST_RACES,
    PATIENCE,
)
from tests.support.build import NOW, account, lease
from tests.support.simulation import STANDING, Simulation, simulation

TICK = Event.of(TimerTicked(), id="tick", time=NOW)


def sweep_of(world: Simulation) -> Sweep:
    return Sweep(store=world.store, clock=world.clock, catalog=world.catalog)


async def stored(world: Simulation, one: Lease) -> None:
    process = await world.boot()
    await process.commits.commit(Outcome(records=(account(lock=None), one)))


def ids(events: tuple[EventData, ...]) -> list[str | None]:
    return [event.natural_id for event in events]


async def test_a_lease_whose_time_is_over_is_due() -> None:
    world = simulation()
    active = lease().activated(now=NOW)
    await stored(world, active)

    early = await sweep_of(world)(TICK)
    world.clock.set(active.not_after)
    late = await sweep_of(world)(TICK)

    assert early.events == ()
    (event,) = late.events
    assert isinstance(event, LeaseEndDue)
    assert event.lease_id == active.id


async def test_the_same_thing_is_said_once_a_minute() -> None:
    world = simulation()
    active = lease().activated(now=NOW)
    await stored(world, active)
    world.clock.set(active.not_after)

    first = await sweep_of(world)(TICK)
    world.clock.advance(REPEAT - timedelta(seconds=1))
    again = await sweep_of(world)(TICK)
    world.clock.advance(timedelta(seconds=1))
    later = await sweep_of(world)(TICK)

    assert ids(first.events) == ids(again.events)
    assert ids(later.events) != ids(first.events)


async def test_what_nobody_mends_is_said_less_and_less() -> None:
    world = simulation()
    active = lease().activated(now=NOW)
    await stored(world, active)
    world.clock.set(active.not_after)

    said = set()
    for _ in range(24 * 60):
        said |= set(ids((await sweep_of(world)(TICK)).events))
        world.clock.advance(REPEAT)

    assert len(said) == 60 + 23


async def test_declared_accounts_are_enrolled_with_their_next_turn() -> None:
    world = simulation()

    outcome = await sweep_of(world)(TICK)

    found = {record.id: record for record in outcome.records if isinstance(record, Account)}
    assert set(found) == {"rmq-demo/svc_orders", "cache-demo/svc_cache"}
    assert found["cache-demo/svc_cache"].rotate_at == NOW + timedelta(days=7)


async def test_a_changed_schedule_is_taken_over() -> None:
    world = simulation()
    process = await world.boot()
    await process.tick()
    changed = STANDING.evolve(rotation=Schedule(every_days=1))
    world.catalog._standing = (changed,)

    await process.tick()

    found = await world.store.load(Account, changed.id)
    assert found is not None
    assert found.rotate_at == NOW + timedelta(days=1)


async def test_a_message_is_known_for_a_month_and_then_forgotten() -> None:
    world = simulation()
    inbox = InboxId(source="slack/T1", key="delivery-1")
    await world.store.commit(Batch(inbox=inbox))

    world.clock.advance(INBOX_KEPT)
    await sweep_of(world)(TICK)
    with pytest.raises(Duplicate):
        await world.store.commit(Batch(inbox=inbox))
    world.clock.advance(timedelta(seconds=1))
    await sweep_of(world)(TICK)

    await world.store.commit(Batch(inbox=inbox))


def test_a_message_is_known_for_longer_than_it_can_be_sent_again() -> None:
    parcel = MOST_ATTEMPTS * LONGEST_WAIT + MOST_RACES * LONGEST_RACE + PATIENCE

    assert INBOX_KEPT > 7 * timedelta(days=1) > parcel
    assert 100 * timedelta(seconds=WINDOW) < INBOX_KEPT
