"""Finding what is due must not depend on how much is stored."""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from keylease.adapters.sqlite.store import SqliteStore, open_sqlite
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.rows import RecordRow, micros, record_row
from tests.benchmarks.measure import Arm, interleaved
from tests.benchmarks.report import Report, at_most
from tests.support.build import NOW, lease

FLAT = 1.5
DUE = 100
METHOD = """\
`store.due(Lease, before=now, limit=1000)` on three databases that differ in how many active \
leases they hold; 100 of them are due, the others end later. Wall time of one call, read into \
models."""


@dataclass(frozen=True, slots=True)
class Size:
    counts: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    calls: int = 10
    rounds: int = 9


SMOKE = Size(counts=(200, 2_000), calls=2, rounds=1)


def filled_rows(count: int, /) -> Iterator[RecordRow]:
    """Active leases, evenly over the coming time, the due ones spread among them."""
    model = record_row(lease("lease-?", status=LeaseStatus.ACTIVE, not_after=NOW))
    step = count // DUE
    for number in range(count):
        later = NOW + timedelta(seconds=1 + number)
        ends = NOW - timedelta(seconds=number) if number % step == 0 else later
        body = model.body.replace("lease-?", f"lease-{number}").replace(
            '"not_after":"2026-01-01T00:00:00Z"', f'"not_after":"{ends.isoformat()}"'
        )
        yield model._replace(
            id=f"lease-{number}", sweep_at=micros(ends), parent=f"account-{number}", body=body
        )


def fill(path: Path, /, *, count: int) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    with db:
        db.executemany(
            "INSERT INTO record (kind, id, version, is_open, sweep_at, parent, handle, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            filled_rows(count),
        )
    db.close()


async def filled(path: Path, /, *, count: int, stack: AsyncExitStack) -> SqliteStore:
    async with open_sqlite(path):
        pass
    fill(path, count=count)
    return await stack.enter_async_context(open_sqlite(path))


async def found(store: SqliteStore, /) -> tuple[Lease, ...]:
    leases = await store.due(Lease, before=NOW, limit=1_000)
    assert len(leases) == DUE
    return leases


def timed(store: SqliteStore, /, *, calls: int) -> Arm:
    async def arm() -> float:
        begun = time.perf_counter()
        for _ in range(calls):
            await found(store)
        return (time.perf_counter() - begun) / calls

    return arm


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        arms: dict[str, Arm] = {}
        for count in size.counts:
            store = await filled(folder / f"{count}.db", count=count, stack=stack)
            arms[f"{count:,}"] = timed(store, calls=size.calls)
        samples = await interleaved(arms, rounds=size.rounds)
    first, *others = arms
    rows = [
        at_most(
            samples,
            arm=name,
            to=first,
            limit=FLAT,
            what=f"{DUE} due among {name}, against {first}",
            unit="ms",
            scale=1e3,
        )
        for name in others
    ]
    return Report("due", "Finding what is due", METHOD, tuple(rows))
