"""Several workers at one outbox: a parcel has one of them at a time, and a lane its order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import PostgresStore, open_postgres
from keylease.ports.store import Batch, Parcel
from keylease.runtime.gauges import measured
from tests.contract.store import FAR, cancelled
from tests.support.build import HOUR, NOW

LANES = 60


@pytest.fixture
async def workers(postgres_url: str) -> AsyncIterator[list[PostgresStore]]:
    async with (
        open_postgres(Server(postgres_url)) as a,
        open_postgres(Server(postgres_url)) as b,
        open_postgres(Server(postgres_url)) as c,
    ):
        yield [a, b, c]


async def ids_of(store: PostgresStore, /, *, limit: int = 1000) -> list[str]:
    return [p.outgoing.event.id for p in await store.parcels(before=NOW, limit=limit)]


async def test_what_one_worker_has_in_hand_no_other_is_given(workers: list[PostgresStore]) -> None:
    a, b, _ = workers
    await a.commit(Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-2", id_="e2"))))

    first = await ids_of(a, limit=1)
    rest = await ids_of(b)

    assert (first, rest) == (["e1"], ["e2"])
    assert await ids_of(a) == ["e1"]


async def test_a_lane_waits_for_its_head_whoever_has_it(workers: list[PostgresStore]) -> None:
    a, b, _ = workers
    await a.commit(Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-1", id_="e2"))))
    (head,) = await a.parcels(before=NOW, limit=9)

    meanwhile = await ids_of(b)
    await a.delivered(head)

    assert meanwhile == []
    assert await ids_of(b) == ["e2"]


async def test_workers_that_look_at_once_share_the_work(workers: list[PostgresStore]) -> None:
    events = tuple(cancelled(f"req-{n}", id_=f"e{n}") for n in range(LANES))
    await workers[0].commit(Batch(outgoing=events))

    looks = [worker.parcels(before=NOW, limit=20) for worker in workers for _ in range(3)]
    found = await asyncio.gather(*looks)

    held = [{p.seq for look in found[3 * n : 3 * n + 3] for p in look} for n in range(3)]
    assert len(set.union(*held)) == sum(map(len, held))
    assert set.union(*held)


async def test_every_parcel_is_delivered_once_and_in_the_order_of_its_lane(
    workers: list[PostgresStore],
) -> None:
    for number in range(4):
        events = (cancelled(f"req-{lane}", id_=f"{lane}-{number}") for lane in range(LANES))
        await workers[0].commit(Batch(outgoing=tuple(events)))
    delivered: dict[str, list[str]] = {}

    async def relay(store: PostgresStore) -> None:
        while sum(map(len, delivered.values())) < 4 * LANES:
            for parcel in await store.parcels(before=NOW, limit=10):
                event = parcel.outgoing.event
                delivered.setdefault(event.subject, []).append(event.id.partition("-")[2])
                await store.commit(Batch(delivers=parcel))

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(relay(worker))

    assert delivered == {f"req-{lane}": ["0", "1", "2", "3"] for lane in range(LANES)}


async def test_the_claim_of_a_worker_that_fell_silent_runs_out(postgres_url: str) -> None:
    server, brief = Server(postgres_url), timedelta(milliseconds=200)
    async with open_postgres(server, claim=brief) as silent, open_postgres(server) as other:
        await silent.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        await ids_of(silent)

        early = await ids_of(other)
        await asyncio.sleep(0.25)

        assert early == []
        assert await ids_of(other) == ["e1"]
        assert await ids_of(silent) == []


async def test_a_worker_that_looks_again_keeps_its_claim(postgres_url: str) -> None:
    server, brief = Server(postgres_url), timedelta(milliseconds=400)
    async with open_postgres(server, claim=brief) as busy, open_postgres(server) as other:
        await busy.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        seen = []
        for _ in range(6):
            await ids_of(busy)
            await asyncio.sleep(0.1)
            seen += await ids_of(other)

        assert seen == []


async def test_a_second_look_writes_nothing(workers: list[PostgresStore]) -> None:
    store = workers[0]
    await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
    await ids_of(store)

    before = await store.database.ask("SELECT xmin::text, xmax::text, ctid FROM keylease.outbox")
    await ids_of(store)
    after = await store.database.ask("SELECT xmin::text, xmax::text, ctid FROM keylease.outbox")

    assert before == after


async def test_a_worker_that_stops_gives_back_what_it_has(
    postgres_url: str, workers: list[PostgresStore]
) -> None:
    async with open_postgres(Server(postgres_url)) as leaving:
        await leaving.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        await ids_of(leaving)

    assert await ids_of(workers[0]) == ["e1"]


async def test_who_only_counts_lanes_takes_none(workers: list[PostgresStore]) -> None:
    a, b, c = workers
    await a.commit(Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-2", id_="e2"))))

    state = await measured(c, clock=ManualClock(NOW))

    assert state["outbox_lanes"] == 2
    assert await ids_of(a, limit=1) == ["e1"]
    assert await ids_of(b) == ["e2"]
    assert await c.lanes(before=NOW, limit=9) == 2


async def test_a_worker_that_wakes_up_late_spoils_nothing_for_its_successor(
    postgres_url: str,
) -> None:
    server, brief = Server(postgres_url), timedelta(milliseconds=100)
    async with open_postgres(server, claim=brief) as paused, open_postgres(server) as successor:
        await paused.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        (parcel,) = await paused.parcels(before=NOW, limit=1)
        await asyncio.sleep(0.15)
        assert await ids_of(successor) == ["e1"]

        await paused.postpone(parcel, until=FAR)
        await paused.park(parcel, reason="late", at=NOW)

        assert await paused.parked(limit=1) == ()
        assert await ids_of(paused) == []
        assert await ids_of(successor) == ["e1"]


async def test_a_long_lane_does_not_stop_the_others(
    postgres_url: str, workers: list[PostgresStore]
) -> None:
    a, *_ = workers
    await a.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        """
        INSERT INTO keylease.outbox (event_id, destination, subject, body)
        SELECT 'more-' || n, destination, subject, body
        FROM keylease.outbox, generate_series(1, 50000) AS n;
        ANALYZE
        """
    )
    await connection.close()
    await a.commit(Batch(outgoing=(cancelled("req-2", id_="e2"),)))

    async with asyncio.timeout(2):  # the square of 50,000 takes longer
        found = await ids_of(a)

    assert found == ["e1", "e2"]


async def test_what_is_postponed_or_parked_is_anybodys(workers: list[PostgresStore]) -> None:
    a, b, _ = workers
    await a.commit(Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-2", id_="e2"))))
    late, parked = await a.parcels(before=NOW, limit=9)

    await a.postpone(late, until=NOW + HOUR)
    await a.park(parked, reason="refused", at=NOW)
    await b.unpark(parked)

    found: tuple[Parcel, ...] = await b.parcels(before=FAR, limit=9)
    assert [(p.outgoing.event.id, p.attempts) for p in found] == [("e1", 1), ("e2", 0)]
