"""How a record becomes a row, the same in every database: a few indexed columns and a document."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from keylease.domain.record import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class RecordRow(NamedTuple):
    """A record as it stands after the commit that stores it."""

    kind: str
    id: str
    version: int
    is_open: int
    """0 or 1: not every database has booleans."""
    sweep_at: int | None
    parent: str | None
    handle: str | None
    body: str


def record_row(record: Record, /) -> RecordRow:
    """The row that a commit of `record` leaves behind."""
    return RecordRow(
        kind=record.kind,
        id=record.id,
        version=record.version + 1,
        is_open=int(record.is_open),
        sweep_at=None if record.sweep_at is None else micros(record.sweep_at),
        parent=record.parent,
        handle=record.handle,
        body=record.stored().model_dump_json(),
    )


def micros(at: datetime, /) -> int:
    """An aware instant as whole microseconds since 1970, which sorts and indexes everywhere."""
    return (at - _EPOCH) // _TICK


def instant(at: int, /) -> datetime:
    """The instant that `micros` wrote, in UTC."""
    return _EPOCH + at * _TICK
