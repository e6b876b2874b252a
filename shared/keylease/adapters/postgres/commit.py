"""A batch as the arguments of one call: one round trip checks and writes it all."""

from collections.abc import Iterable, Iterator

from keylease.adapters.postgres.text import stored
from keylease.domain.rows import RecordRow, record_row
from keylease.ports.store import Batch, Outgoing

Argument = str | int | list[str] | list[int] | list[str | None] | list[int | None] | None
_Key = tuple[str, str]
_NEVER = -1
"""The version of a record that was read twice and had changed in between: a conflict."""


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
    """Each record that is written or guarded, once, in the order in which all commits lock."""
    versions, rows = dict[_Key, int](), dict[_Key, int]()
    for record in (*batch.records, *batch.guards):
        key = (record.kind, stored(record.id))
        is_agreed = versions.setdefault(key, record.version) == record.version
        versions[key] = record.version if is_agreed else _NEVER
    for row, record in enumerate(batch.records, 1):
        rows[record.kind, stored(record.id)] = row
    keys = sorted(versions)
    yield [kind for kind, _ in keys]
    yield [id_ for _, id_ in keys]
    yield [versions[key] for key in keys]
    yield [rows.get(key) for key in keys]


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
