"""Moving a store: page by page, from where it stopped last time, compared at the end."""

from typing import Protocol

from keylease.errors import Conflict
from keylease.ports.moving import Copy, Origin, Row, Table, Totals

PAGE = 1000
_COUNTED = {
    Table.RECORD: "records",
    Table.INBOX: "inbox ids",
    Table.OUTBOX: "events",
    Table.AUDIT: "audit entries",
}


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
        msg = (
            f"the target has {', '.join(differing)}: the origin was written to since the copy "
            "began; empty the target, stop keylease, and copy again"
        )
        raise Conflict(msg)
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
    while rows := await origin.read(table, after=after, limit=page):
        await target.write(table, rows)
        after, done = rows[-1], done + len(rows)
        report(_COUNTED[table], done=done, of=of)
