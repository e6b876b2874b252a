"""Many writers at once: no skew, no deadlock, and numbers in the order of commits."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from keylease.adapters.postgres import statements as sql
from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import PostgresStore, open_postgres
from keylease.domain.lease import Lease
from keylease.errors import Conflict, InvariantBroken
from keylease.ports.store import Batch, Outgoing
from tests.contract.store import cancelled, claimable
from tests.support.build import NOW, lease

ROUNDS = 40
ACCOUNT = "rmq-demo/kl1"


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes as it were: two pools on one database."""
    async with open_postgres(Server(postgres_url)) as a, open_postgres(Server(postgres_url)) as b:
        yield a, b


async def raced(
    two: tuple[PostgresStore, PostgresStore], batches: Iterable[Batch]
) -> list[BaseException | None]:
    commits = [two[n % 2].commit(batch) for n, batch in enumerate(batches)]
    return await asyncio.gather(*commits, return_exceptions=True)


def losses(results: list[BaseException | None]) -> int:
    """How many lost the race; anything worse is an error of the test."""
    assert [r for r in results if r is not None and not isinstance(r, Conflict)] == []
    return sum(isinstance(result, Conflict) for result in results)


async def test_of_two_that_guard_what_the_other_writes_one_wins(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    await two[0].commit(Batch(records=(lease("a"), lease("b"))))

    for version in range(1, ROUNDS):
        a, b = (await two[0].load(Lease, "a"), await two[1].load(Lease, "b"))
        assert a is not None
        assert b is not None
        results = await raced(
            two, [Batch(records=(a,), guards=(b,)), Batch(records=(b,), guards=(a,))]
        )

        assert losses(results) == 1, version


async def test_of_two_that_make_what_the_other_guards_as_missing_one_wins(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    for n in range(ROUNDS):
        a, b = lease(f"a{n}"), lease(f"b{n}")

        results = await raced(
            two, [Batch(records=(a,), guards=(b,)), Batch(records=(b,), guards=(a,))]
        )

        assert losses(results) == 1


async def test_commits_in_opposite_order_do_not_wait_for_each_other(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    await two[0].commit(Batch(records=(lease("a"), lease("b"), lease("c"))))

    for version in range(1, ROUNDS):
        a, b, c = (lease(id_, version=version) for id_ in "abc")
        results = await raced(
            two, [Batch(records=(a, b, c)), Batch(records=(c, b, a)), Batch(records=(b, a, c))]
        )

        assert losses(results) == 2


async def test_the_same_new_events_in_opposite_order_do_not_wait_for_each_other(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    for n in range(ROUNDS):
        events = [cancelled(f"req-{n}-{k}", id_=f"e{n}-{k}") for k in range(8)]

        results = await raced(
            two, [Batch(outgoing=tuple(events)), Batch(outgoing=tuple(reversed(events)))]
        )

        assert losses(results) == 0
    stored = await two[0].parcels(before=NOW, limit=1000)
    assert len(stored) == ROUNDS * 8


async def test_events_about_a_record_are_numbered_as_its_versions(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    await two[0].commit(Batch(records=(lease("l"),)))

    async def writer(store: PostgresStore, name: str) -> None:
        done = 0
        while done < ROUNDS:
            found = await store.load(Lease, "l")
            assert found is not None
            event = cancelled("l", id_=f"{found.version:05}", to=f"sink:{name}")
            both = (event, Outgoing(event.event, "sink:all"))
            try:
                await store.commit(Batch(records=(found,), outgoing=both))
            except Conflict:
                continue
            done += 1

    async with asyncio.TaskGroup() as group:
        for n in range(6):
            group.create_task(writer(two[n % 2], str(n)))

    rows = await two[0].database.ask(
        "SELECT event_id FROM keylease.outbox WHERE destination = 'sink:all' ORDER BY seq"
    )
    assert [row["event_id"] for row in rows] == [f"{n:05}" for n in range(1, 6 * ROUNDS + 1)]


async def test_rows_of_one_commit_keep_their_order(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    ids = [f"{n * 7919 % 101:03}" for n in range(100)]
    records = tuple(lease(id_) for id_ in ids)
    events = tuple(cancelled("l", id_=id_) for id_ in ids)

    await two[0].commit(Batch(records=records, outgoing=events))

    found = await two[1].children(Lease, ACCOUNT)
    rows = await two[1].database.ask("SELECT event_id FROM keylease.outbox ORDER BY seq")
    assert [record.id for record in found] == ids[::-1]
    assert [row["event_id"] for row in rows] == ids


async def test_of_two_that_take_one_handle_one_wins(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    for n in range(1, ROUNDS):
        twins = (claimable(2 * n, token_hash=f"h{n}"), claimable(2 * n + 1, token_hash=f"h{n}"))

        results = await raced(two, [Batch(records=(twin,)) for twin in twins])

        assert [type(result) for result in results if result] == [InvariantBroken]


async def test_a_value_that_the_driver_refuses_harms_nobody_else(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    await two[0].commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
    (parcel,) = await two[0].parcels(before=NOW, limit=1)

    results = await asyncio.gather(
        two[0].commit(Batch(records=(lease("a"),))),
        two[0].park(parcel, reason="canary \ud800", at=NOW),
        two[0].commit(Batch(records=(lease("b"),))),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), InvariantBroken, type(None)]
    assert "canary" not in str(results[1])
    assert len(await two[0].children(Lease, ACCOUNT)) == 2


@pytest.mark.parametrize("word", ["\x00", "\x1a", "\x1a0", "\x1ae", "\x00\x1a0\x1a\x00e"])
async def test_what_postgresql_cannot_keep_is_kept_all_the_same(
    two: tuple[PostgresStore, PostgresStore], word: str
) -> None:
    await two[0].commit(Batch(outgoing=(cancelled("req-1", id_="e1", to=f"sink:{word}"),)))
    (parcel,) = await two[0].parcels(before=NOW, limit=1)

    await two[0].park(parcel, reason=word, at=NOW)

    (parked,) = await two[1].parked(limit=1)
    assert (parked.reason, parked.parcel.outgoing.destination) == (word, f"sink:{word}")


async def test_a_closed_store_says_so(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)) as store:
        pass

    with pytest.raises(InvariantBroken, match="closed"):
        await store.load(Lease, "l")
    with pytest.raises(InvariantBroken, match="closed"):
        await store.commit(Batch(records=(lease("l"),)))


@asynccontextmanager
async def much_history(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A database whose records and parcels are nearly all over and done with."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        """
        INSERT INTO keylease.record (kind, id, version, is_open, sweep_at, parent, handle, body)
        SELECT 'lease', 'old-' || n, 1, 0, NULL, 'rmq-demo/kl' || n % 7, 'h' || n, ''
        FROM generate_series(1, 100000) AS n;
        INSERT INTO keylease.record (kind, id, version, is_open, sweep_at, parent, handle, body)
        SELECT 'lease', 'new-' || n, 1, 1, n, 'rmq-demo/kl' || n % 7, NULL, ''
        FROM generate_series(1, 200) AS n;
        INSERT INTO keylease.inbox (source, key, at) SELECT 's', 'k' || n, n
        FROM generate_series(1, 20000) AS n;
        INSERT INTO keylease.audit (subject, body) SELECT 's' || n % 5000, '{}'
        FROM generate_series(1, 20000) AS n;
        INSERT INTO keylease.outbox (event_id, destination, subject, body, parked_at)
        SELECT 'e' || n, 'd', 's' || n, '{}', CASE WHEN n % 100 > 0 THEN n END
        FROM generate_series(1, 20000) AS n;
        ANALYZE
        """
    )
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_no_question_walks_a_whole_table(postgres_url: str, mode: str) -> None:
    texts = {
        sql.LOAD: "'lease', 'old-1'",
        sql.BY_HANDLE: "'lease', 'h1'",
        sql.OPEN_CHILDREN: "'lease', 'rmq-demo/kl1', 100",
        sql.ALL_CHILDREN: "'lease', 'rmq-demo/kl1', 100",
        sql.DUE: "'lease', 1000, 100",
        sql.DELIVERED: "1",
        sql.PARCELS: "1000, 64, 1, '30s'",
        sql.LANES: "1000, 64",
        sql.PARKED: "100",
        sql.AUDIT_OF: "'s1', 100",
        sql.PRUNE: "1000, 100",
    }
    async with open_postgres(Server(postgres_url)), much_history(postgres_url) as connection:
        await connection.execute(f"SET plan_cache_mode = {mode}")
        plans = {}
        for text, values in texts.items():
            await connection.execute(f"PREPARE question AS {text}")
            rows = await connection.fetch(f"EXPLAIN EXECUTE question({values})")
            plans[text] = "\n".join(row[0] for row in rows)
            await connection.execute("DEALLOCATE question")

    walks = [(text, plan) for text, plan in plans.items() if "Seq Scan" in plan]
    assert walks == []
    ordered = {sql.OPEN_CHILDREN, sql.DUE, sql.PARKED}
    assert [plans[text] for text in ordered if "Sort" in plans[text]] == []
