"""The part of the store that decide needs, as one would write it with SQLAlchemy Core."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from keylease.domain.record import Record
from keylease.domain.rows import record_row
from keylease.errors import Conflict, Duplicate
from keylease.ports.store import Batch, Outgoing, R


async def tables_of(engine: AsyncEngine, /) -> sa.MetaData:
    """The schema that our migrations made."""
    tables = sa.MetaData(schema="keylease")
    async with engine.connect() as connection:
        await connection.run_sync(tables.reflect)
    return tables


@dataclass(frozen=True, slots=True)
class Transactions:
    """The transaction of the step that runs."""

    engine: AsyncEngine
    _now: ContextVar[AsyncConnection] = field(default_factory=lambda: ContextVar("transaction"))

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        async with self.engine.begin() as connection:
            token = self._now.set(connection)
            try:
                yield
            finally:
                self._now.reset(token)

    @property
    def connection(self) -> AsyncConnection:
        return self._now.get()


class CoreStore:
    """Reads and writes of `ports.store.Store`, within the transaction of the step."""

    def __init__(self, transactions: Transactions, tables: sa.MetaData, /) -> None:
        self._transactions = transactions
        self._record, self._inbox, self._outbox, self._audit = (
            tables.tables[f"keylease.{name}"] for name in ("record", "inbox", "outbox", "audit")
        )

    async def load(self, kind: type[R], id: str, /) -> R | None:  # the port's word
        row = self._record.c
        found = await self._rows(sa.select(row.body).where(row.kind == kind.kind, row.id == id))
        return kind.model_validate_json(found[0]) if found else None

    async def children(
        self, kind: type[R], parent: str, /, *, only_open: bool = True, limit: int = 1000
    ) -> tuple[R, ...]:
        row = self._record.c
        family = sa.select(row.body).where(row.kind == kind.kind, row.parent == parent)
        if only_open:
            family = family.where(row.is_open == 1)
        found = await self._rows(family.order_by(row.seq.desc()).limit(limit))
        return tuple(kind.model_validate_json(body) for body in found)

    async def commit(self, batch: Batch, /) -> None:
        run = self._transactions.connection.execute
        if batch.inbox is not None:
            once = insert(self._inbox).on_conflict_do_nothing()
            done = await run(once, {"source": batch.inbox.source, "key": batch.inbox.key})
            if not done.rowcount:
                raise Duplicate(batch.inbox.key)
        for record in batch.records:
            await self._put(record)
        if batch.outgoing:
            post = insert(self._outbox).on_conflict_do_nothing()
            await run(post, [_parcel(item) for item in batch.outgoing])
        if batch.audit:
            told = [{"subject": e.subject, "body": e.model_dump_json()} for e in batch.audit]
            await run(sa.insert(self._audit), told)
        if batch.delivers is not None:
            await run(sa.delete(self._outbox).where(self._outbox.c.seq == batch.delivers.seq))

    async def _put(self, record: Record) -> None:
        table, row = self._record, record_row(record)._asdict()
        if record.version:
            change = sa.update(table).where(
                table.c.kind == record.kind,
                table.c.id == record.id,
                table.c.version == record.version,
            )
            done = await self._transactions.connection.execute(change.values(row))
        else:
            new = insert(table).on_conflict_do_nothing(index_elements=["kind", "id"])
            done = await self._transactions.connection.execute(new, row)
        if not done.rowcount:
            raise Conflict(record.id)

    async def _rows(self, question: sa.Select[str]) -> list[str]:
        found = await self._transactions.connection.execute(question)
        return list(found.scalars().all())


def _parcel(item: Outgoing) -> dict[str, str]:
    event = item.event
    return {
        "event_id": event.id,
        "destination": item.destination,
        "subject": event.subject,
        "body": event.model_dump_json(),
    }
