"""Commits per second of the store against the same rows through SQLAlchemy Core."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from keylease.adapters.sqlite.store import SqliteStore, open_sqlite
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event, RequestSubmitted
from keylease.domain.rows import record_row
from keylease.ports.store import Batch, InboxId, Outgoing
from tests.benchmarks.measure import Arm, interleaved
from tests.benchmarks.report import Report, Row
from tests.support.build import NOW, lease

GOAL = 5.0
METHOD = """\
16 callers commit at once, each commit an inbox id, one new record, one outgoing event and one \
audit entry. Both write the same rows into the same schema, in WAL mode with `synchronous = \
FULL`, each commit returning when it is on disk. SQLAlchemy Core runs on aiosqlite with one \
connection, whose transactions wait in line; one connection per caller is no faster, since \
SQLite has one writer. Wall time."""
Commit = Callable[[Batch], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Size:
    commits: int = 1_600
    callers: int = 16
    rounds: int = 5


SMOKE = Size(commits=32, rounds=1)


def batches() -> Iterator[Batch]:
    """Endlessly many, no two alike."""
    for number in itertools.count():
        event = Event.of(RequestSubmitted(request_id=f"req-{number}"), id=f"evt-{number}", time=NOW)
        entry = AuditEntry(at=NOW, action="bench", subject=f"req-{number}", actor="bench")
        yield Batch(
            inbox=InboxId(source="bench", key=str(number)),
            records=(lease(f"lease-{number}"),),
            outgoing=(Outgoing(event=event, destination="function:decide"),),
            audit=(entry,),
        )


@dataclass(frozen=True, slots=True)
class Core:
    """The same commit through SQLAlchemy Core."""

    engine: AsyncEngine
    tables: sa.MetaData

    async def commit(self, batch: Batch, /) -> None:
        async with self.engine.begin() as connection:
            await self._write(connection, batch)

    async def _write(self, connection: AsyncConnection, batch: Batch) -> None:
        inbox, record, outbox, audit = (
            self.tables.tables[name] for name in ("inbox", "record", "outbox", "audit")
        )
        if batch.inbox is not None:
            got = insert(inbox).on_conflict_do_nothing()
            await connection.execute(got, {"source": batch.inbox.source, "key": batch.inbox.key})
        for one in batch.records:
            put = insert(record).on_conflict_do_nothing(index_elements=["kind", "id"])
            await connection.execute(put, record_row(one)._asdict())
        for item in batch.outgoing:
            event = item.event
            post = insert(outbox).on_conflict_do_nothing(index_elements=["event_id", "destination"])
            await connection.execute(
                post,
                {
                    "event_id": event.id,
                    "destination": item.destination,
                    "subject": event.subject,
                    "body": event.model_dump_json(),
                },
            )
        for entry in batch.audit:
            row = {"subject": entry.subject, "body": entry.model_dump_json()}
            await connection.execute(sa.insert(audit), row)


async def core(path: Path, stack: AsyncExitStack, /) -> Core:
    """An engine on a database that our migrations made."""
    async with open_sqlite(path):
        pass
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0)
    stack.push_async_callback(engine.dispose)

    @sa.event.listens_for(engine.sync_engine, "connect")
    def durable(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        connection.cursor().execute("PRAGMA synchronous = FULL")

    tables = sa.MetaData()
    async with engine.connect() as connection:
        await connection.run_sync(tables.reflect)
    return Core(engine=engine, tables=tables)


async def rows(store: SqliteStore, /) -> tuple[object, ...]:
    """Everything that was committed, as the store reads it."""
    parcels = await store.parcels(before=NOW, limit=10_000)
    events = sorted(parcel.outgoing.event.id for parcel in parcels)
    leases = [await store.load(type(lease()), f"lease-{number}") for number in range(len(events))]
    return events, leases, sorted(e.subject for e in await store.audit(limit=10_000))


def timed(commit: Commit, /, *, size: Size) -> Arm:
    made = batches()

    async def caller(mine: list[Batch]) -> None:
        for batch in mine:
            await commit(batch)

    async def arm() -> float:
        each = size.commits // size.callers
        shares = [list(itertools.islice(made, each)) for _ in range(size.callers)]
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for share in shares:
                group.create_task(caller(share))
        return (time.perf_counter() - begun) / size.commits

    return arm


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        store = await stack.enter_async_context(open_sqlite(folder / "ours.db"))
        other = await core(folder / "core.db", stack)
        arms = {
            "store": timed(store.commit, size=size),
            "core": timed(other.commit, size=size),
        }
        samples = await interleaved(arms, rounds=size.rounds)
        written = await stack.enter_async_context(open_sqlite(folder / "core.db"))
        if size == SMOKE:
            assert await rows(written) == await rows(store)
    ratio = samples.ratio("core", to="store")
    mine, theirs = 1 / samples.median("store"), 1 / samples.median("core")
    row = Row(
        what="commits per second",
        goal=f"at least {GOAL:.0f}x",
        measured=f"{ratio:.1f}x",
        is_met=ratio >= GOAL,
        against=f"{mine:,.0f}/s against {theirs:,.0f}/s",
    )
    return Report("commits", "Commits per second", METHOD, (row,))
