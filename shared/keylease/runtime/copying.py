"""Moving a store: page by page, from where it stopped last time, compared at the end."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Protocol

from keylease.errors import Conflict
from keylease.ports.moving import Copy, Origin, Row, Rows, Table, Totals

PAGE = 1000
AGAIN = (
    "the origin was written to since the copy began; "
    "empty the target, stop keylease, and copy again"
)
_COUNTED = {
    Table.RECORD: "records",
    Table.INBOX: "inbox ids",
    Table.OUTBOX: "events",
    Table.AUDIT: "audit entries",
}
_DIGESTS = 1 << 256


class Report(Protocol):
    """Hears how far a copy is."""

    def __call__(self, what: str, /, *, done: int, of: int) -> None: ...


async def copied(
    origin: Origin, target: Copy, /, *, name: str, report: Report, page: int = PAGE
) -> Totals | None:
    """Fill the target with all that the origin holds; None: that was done before.

    Whatever stops it, it goes on when it is run again.

    Raises:
        BadInput: the target holds something else.
        Conflict: at the end it holds something else than the origin.
    """
    totals = await origin.totals()
    if not await target.begin(name):
        return None
    for table in Table:
        await _table(table, origin, target, of=totals[_COUNTED[table]], report=report, page=page)
    reached = await target.totals()
    if reached != totals:
        differing = (f"{n} of {totals[what]} {what}" for what, n in reached.items())
        msg = f"the target has {', '.join(differing)}: {AGAIN}"
        raise Conflict(msg)
    await _compare(origin, target, totals, report=report, page=page)
    await target.finish(await origin.counters())
    return reached


async def _table(
    table: Table, origin: Origin, target: Copy, *, of: int, report: Report, page: int
) -> None:
    """What is ordered by numbers goes on where it stopped; the rest is laid over itself."""
    after: Row | None = None
    done = 0
    if table.is_numbered and (last := await target.last(table)):
        after, done = (last,), (await target.totals())[_COUNTED[table]]
    report(_COUNTED[table], done=done, of=of)
    async for rows in _pages(table, origin, after=after, page=page):
        await target.write(table, rows)
        done += len(rows)
        report(_COUNTED[table], done=done, of=of)


async def _compare(
    origin: Origin, target: Copy, totals: Totals, *, report: Report, page: int
) -> None:
    """Every row of both, by its content."""
    done, of = 0, 2 * sum(totals[counted] for counted in _COUNTED.values())
    report("compared", done=done, of=of)
    for table in Table:
        digests = set[int]()
        for side in (origin, target):
            digest = 0
            async for rows in _pages(table, side, after=None, page=page):
                digest = (digest + sum(map(_digest, rows))) % _DIGESTS
                done += len(rows)
                report("compared", done=done, of=of)
            digests.add(digest)
        if len(digests) > 1:
            msg = f"the target has other {_COUNTED[table]}: {AGAIN}"
            raise Conflict(msg)


async def _pages(
    table: Table, side: Rows, *, after: Row | None, page: int
) -> AsyncIterator[Sequence[Row]]:
    while rows := await side.read(table, after=after, limit=page):
        yield rows
        after = rows[-1]


def _digest(row: Row) -> int:
    """To be added up: two databases need not agree on the order of odd keys."""
    return int.from_bytes(sha256(repr(row).encode()).digest(), "big")
