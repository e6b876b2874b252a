"""A batch as the arguments of one call: one round trip checks and writes it all."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from keylease.adapters.postgres.text import stored
from keylease.domain.record import Record
from keylease.domain.rows import RecordRow, record_row
from keylease.ports.store import Batch, Outgoing

Argument = str | int | list[str] | list[int] | list[str | None] | list[int | None] | None


class Touched(NamedTuple):
    """A record that a commit writes or guards, in the order in which all commits lock."""

    kind: str
    id: str
    is_guard: bool
    """Sorts what is written first: the stronger lock is taken before the weaker one."""
    version: int
    row: int | None
    """Which of the rows replaces it, counted from one; None for a guard."""


def arguments(batch: Batch, /) -> Iterator[Argument]:
    """What `keylease.commit_1` takes, in its order."""
    yield stored(batch.inbox.source) if batch.inbox else None
    yield stored(batch.inbox.key) if batch.inbox else None
    yield from _touched(batch)
    yield from _rows([record_row(record) for record in batch.records])
    yield from _outgoing(batch.outgoing)
    yield [stored(entry.subject) for entry in batch.audit]
    yield [entry.model_dump_json() for entry in batch.audit]
    yield batch.delivers.seq if batch.delivers else None


def _touched(batch: Batch) -> Iterator[Argument]:
    keys = [
        *(_key(record, row=row) for row, record in enumerate(batch.records, 1)),
        *(_key(guard, row=None) for guard in batch.guards),
    ]
    keys.sort(key=lambda key: key[:4])
    yield [key.kind for key in keys]
    yield [key.id for key in keys]
    yield [key.version for key in keys]
    yield [key.row for key in keys]


def _key(record: Record, *, row: int | None) -> Touched:
    return Touched(record.kind, stored(record.id), row is None, record.version, row)


def _rows(rows: Iterable[RecordRow]) -> Iterator[Argument]:
    rows = list(rows)
    yield [row.kind for row in rows]
    yield [stored(row.id) for row in rows]
    yield [row.version for row in rows]
    yield [row.is_open for row in rows]
    yield [row.sweep_at for row in rows]
    yield [_stored(row.parent) for row in rows]
    yield [_stored(row.handle) for row in rows]
    yield [row.body for row in rows]


def _outgoing(outgoing: tuple[Outgoing, ...]) -> Iterator[Argument]:
    """One row per destination; the event is written down once."""
    bodies = {id(item.event): item.event.model_dump_json() for item in outgoing}
    yield [stored(item.event.id) for item in outgoing]
    yield [stored(item.destination) for item in outgoing]
    yield [stored(item.event.subject) for item in outgoing]
    yield [bodies[id(item.event)] for item in outgoing]


def _stored(text: str | None) -> str | None:
    return None if text is None else stored(text)
