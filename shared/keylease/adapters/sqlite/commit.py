"""A batch as rows: made on the caller's side, written on the writer's thread."""

import sqlite3
from dataclasses import dataclass
from typing import Self

from keylease.adapters.sqlite import statements as sql
from keylease.domain.rows import RecordRow, record_row
from keylease.errors import Conflict, Duplicate, InvariantBroken
from keylease.ports.store import Batch, InboxId, Outgoing


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one commit checks and writes."""

    inbox: InboxId | None
    guards: tuple[tuple[str, str, int], ...]
    rows: tuple[RecordRow, ...]
    outgoing: tuple[tuple[str, str, str, str], ...]
    audit: tuple[tuple[str, str], ...]
    delivers: int | None

    @classmethod
    def of(cls, batch: Batch, /) -> Self:
        """The rows of a batch."""
        return cls(
            inbox=batch.inbox,
            guards=tuple((guard.kind, guard.id, guard.version) for guard in batch.guards),
            rows=tuple(record_row(record) for record in batch.records),
            outgoing=_outgoing_rows(batch.outgoing),
            audit=tuple((entry.subject, entry.model_dump_json()) for entry in batch.audit),
            delivers=batch.delivers.seq if batch.delivers else None,
        )

    def write(self, connection: sqlite3.Connection, /) -> None:
        """Check and write; what is raised undoes it (see `Writer`)."""
        if self.inbox is not None:
            self._receive(connection, self.inbox)
        for kind, id_, version in self.guards:
            found = connection.execute(sql.GUARD, (kind, id_)).fetchone()
            _demand((found[0] if found else 0) == version, kind, id_)
        for row in self.rows:
            _put(connection, row)
        if self.outgoing:
            connection.executemany(sql.POST, self.outgoing)
        if self.audit:
            connection.executemany(sql.AUDIT, self.audit)
        if self.delivers is not None:
            connection.execute(sql.DELIVERED, (self.delivers,))

    def _receive(self, connection: sqlite3.Connection, inbox: InboxId) -> None:
        if connection.execute(sql.INBOX, (inbox.source, inbox.key)).rowcount == 0:
            raise Duplicate(inbox.key)


def _put(connection: sqlite3.Connection, row: RecordRow) -> None:
    try:
        if row.version == 1:
            cursor = connection.execute(sql.INSERT, row)
        else:
            cursor = connection.execute(sql.UPDATE, (*row[2:], row.kind, row.id, row.version - 1))
    except sqlite3.IntegrityError as e:
        if e.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
            raise
        msg = f"{row.kind} {row.id} has the handle of another {row.kind}"
        raise InvariantBroken(msg) from e
    _demand(cursor.rowcount == 1, row.kind, row.id)


def _demand(is_unchanged: bool, kind: str, id_: str) -> None:  # noqa: FBT001  # a condition
    if not is_unchanged:
        msg = f"{kind} {id_} has another version by now"
        raise Conflict(msg)


def _outgoing_rows(outgoing: tuple[Outgoing, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """One row per destination; the event is written down once."""
    bodies = {id(item.event): item.event.model_dump_json() for item in outgoing}
    return tuple(
        (item.event.id, item.destination, item.event.subject, bodies[id(item.event)])
        for item in outgoing
    )
