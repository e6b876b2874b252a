"""Group commit, other writers, full disks, and the indexes that keep questions quick."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from keylease.adapters.sqlite import statements as sql
from keylease.adapters.sqlite.store import SqliteStore, open_sqlite
from keylease.domain.lease import Lease
from keylease.errors import (
    Conflict,
    InvariantBroken,
    ProviderAmbiguous,
    ProviderTransient,
)
from keylease.ports.store import Batch
from tests.contract.store import cancelled
from tests.support.build import NOW, lease

ACCOUNT = "rmq-demo/kl1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keylease.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(path, patience=0.05) as store:
        yield store


def elsewhere(path: Path) -> "closing[sqlite3.Connection]":
    """Another process's connection."""
    return closing(sqlite3.connect(path, isolation_level=None))


async def test_many_commits_share_a_transaction(store: SqliteStore) -> None:
    texts: list[str] = []
    store.writer.connection.set_trace_callback(texts.append)

    await asyncio.gather(*(store.commit(Batch(records=(lease(f"l{n}"),))) for n in range(100)))

    store.writer.connection.set_trace_callback(None)
    assert texts.count("COMMIT") < 20
    assert len(await store.children(Lease, ACCOUNT)) == 100


async def test_a_commit_returns_only_when_others_can_see_it(store: SqliteStore, path: Path) -> None:
    async def commit_and_look(n: int) -> int:
        await store.commit(Batch(records=(lease(f"l{n}"),)))
        with elsewhere(path) as db:
            return len(db.execute("SELECT 1 FROM record WHERE id = ?", (f"l{n}",)).fetchall())

    assert await asyncio.gather(*(commit_and_look(n) for n in range(30))) == [1] * 30


async def test_two_processes_share_a_file(path: Path) -> None:
    async with open_sqlite(path) as one, open_sqlite(path) as other:
        await one.commit(Batch(records=(lease("l"),)))
        seen = await other.load(Lease, "l")
        tries = [
            store.commit(Batch(records=(lease("l", version=1),))) for store in (one, other) * 8
        ]

        results = await asyncio.gather(*tries, return_exceptions=True)

        assert seen == lease("l", version=1)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 15


async def test_reads_do_not_wait_for_writers(store: SqliteStore, path: Path) -> None:
    await store.commit(Batch(records=(lease("l"),)))

    with elsewhere(path) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM record")
        found = await store.load(Lease, "l")
        db.execute("ROLLBACK")

    assert found == lease("l", version=1)


async def test_a_busy_file_is_a_passing_fault(store: SqliteStore, path: Path) -> None:
    with elsewhere(path) as db:
        db.execute("BEGIN IMMEDIATE")

        with pytest.raises(ProviderTransient, match="SQLITE_BUSY"):
            await store.commit(Batch(records=(lease("l"),)))

        db.execute("ROLLBACK")
    await store.commit(Batch(records=(lease("l"),)))


async def test_the_loop_goes_on_while_a_commit_waits_for_another_process(path: Path) -> None:
    async with open_sqlite(path, patience=10) as store:
        with elsewhere(path) as db:
            db.execute("BEGIN IMMEDIATE")
            commit = asyncio.ensure_future(store.commit(Batch(records=(lease("l"),))))
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert not commit.done()
            db.execute("ROLLBACK")

        await commit
        assert await store.load(Lease, "l") == lease("l", version=1)


async def test_long_work_is_done_on_a_thread_and_short_work_on_the_loop(store: SqliteStore) -> None:
    threads: list[int] = []

    def work(_: sqlite3.Connection) -> None:
        threads.append(threading.get_ident())

    await store.writer.do(work)
    await store.writer.do(work, is_long=True)

    assert threads[0] == threading.get_ident() != threads[1]


async def test_a_full_disk_is_a_passing_fault(store: SqliteStore) -> None:
    (pages,) = store.writer.connection.execute("PRAGMA page_count").fetchone()
    store.writer.connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(ProviderTransient, match="SQLITE_FULL"):
        await store.commit(Batch(records=(lease("l", problem="x" * 100_000),)))

    store.writer.connection.execute("PRAGMA max_page_count = 1000000")
    assert await store.load(Lease, "l") is None
    await store.commit(Batch(records=(lease("l"),)))


async def test_a_commit_that_breaks_off_is_ambiguous(store: SqliteStore) -> None:
    def no_commit(action: int, what: str | None, *rest: object) -> int:
        del rest
        is_commit = action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT"
        return sqlite3.SQLITE_DENY if is_commit else sqlite3.SQLITE_OK

    store.writer.connection.set_authorizer(no_commit)
    with pytest.raises(ProviderAmbiguous):
        await store.commit(Batch(records=(lease("l"),)))

    store.writer.connection.set_authorizer(None)
    await store.commit(Batch(records=(lease("l"),)))


async def test_a_value_that_the_driver_refuses_harms_nobody_else(store: SqliteStore) -> None:
    await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
    (parcel,) = await store.parcels(before=NOW, limit=1)

    results = await asyncio.gather(
        store.commit(Batch(records=(lease("a"),))),
        store.park(parcel, reason="\ud800", at=NOW),
        store.commit(Batch(records=(lease("b"),))),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), UnicodeEncodeError, type(None)]
    assert len(await store.children(Lease, ACCOUNT)) == 2


async def test_a_fault_of_ours_comes_to_its_caller_and_harms_nobody_else(
    store: SqliteStore,
) -> None:
    def faulty(_: sqlite3.Connection) -> None:
        raise LookupError

    results = await asyncio.gather(
        store.writer.do(faulty),
        store.commit(Batch(records=(lease("a"),))),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [LookupError, type(None)]
    assert await store.load(Lease, "a") is not None


async def test_a_broken_table_is_said_and_harms_nobody_else(store: SqliteStore, path: Path) -> None:
    with elsewhere(path) as db:
        db.execute("CREATE TRIGGER t BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        db.execute("CREATE TRIGGER u BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'no'); END")

    with pytest.raises(InvariantBroken, match="SQLITE_CONSTRAINT"):
        await store.commit(Batch(records=(lease("l"),)))

    await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))


async def test_a_question_to_a_broken_table_is_said(store: SqliteStore, path: Path) -> None:
    with elsewhere(path) as db:
        db.execute("DROP TABLE audit")

    with pytest.raises(ProviderTransient, match="SQLITE_ERROR"):
        await store.audit()


async def test_what_is_queued_is_written_before_the_store_closes(path: Path) -> None:
    async with open_sqlite(path) as store:
        waiting = [
            asyncio.ensure_future(store.commit(Batch(records=(lease(f"l{n}"),)))) for n in range(50)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    async with open_sqlite(path) as store:
        assert len(await store.children(Lease, ACCOUNT)) == 50


async def test_a_closed_store_says_so(path: Path) -> None:
    async with open_sqlite(path) as store:
        pass

    with pytest.raises(InvariantBroken, match="closed"):
        await store.load(Lease, "l")
    with pytest.raises(InvariantBroken, match="closed"):
        await store.commit(Batch(records=(lease("l"),)))


@pytest.mark.parametrize(
    "text",
    [
        sql.GUARD,
        sql.UPDATE,
        sql.LOAD,
        sql.BY_HANDLE,
        sql.OPEN_CHILDREN,
        sql.ALL_CHILDREN,
        sql.DUE,
        sql.DELIVERED,
        sql.POSTPONE,
        sql.PARK,
        sql.PARKED,
        sql.AUDIT_OF,
        sql.PRUNE,
    ],
)
async def test_no_question_walks_a_whole_table_or_sorts(store: SqliteStore, text: str) -> None:
    connection = store.writer.connection

    steps = [
        row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", (1,) * text.count("?"))
    ]

    walks = [step for step in steps if step.startswith("SCAN") and "INDEX" not in step]
    assert [w for w in walks if w not in {"SCAN still_open", "SCAN over", "SCAN family"}] == []
    if text is not sql.ALL_CHILDREN:
        assert not any("TEMP B-TREE" in step for step in steps)


async def test_history_does_not_slow_sweep_down(store: SqliteStore) -> None:
    """Counts the steps of SQLite's machine, which no other load on this computer changes."""

    async def steps_of_due(size: int) -> int:
        connection = store.writer.connection
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO record (kind, id, version, is_open, sweep_at, parent, handle, body)"
            " VALUES ('lease', ?, 1, 0, NULL, ?, NULL, '')",
            ((f"old-{size}-{n}", ACCOUNT) for n in range(size)),
        )
        connection.execute("COMMIT")
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        connection.set_progress_handler(count, 1)
        connection.execute(sql.DUE, ("lease", 10**18, 100)).fetchall()
        connection.execute(sql.OPEN_CHILDREN, ("lease", ACCOUNT, 100)).fetchall()
        connection.set_progress_handler(None, 0)
        return steps

    for n in range(150):
        await store.commit(Batch(records=(lease(f"l{n}", not_after=NOW + timedelta(hours=n)),)))

    few = await steps_of_due(100)
    many = await steps_of_due(20_000)

    assert many == few
