"""The database's rows as they are, for `keylease store copy`."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from keylease.adapters.postgres.connection import FAULTS, PATIENCE, Connection, Server, meaning
from keylease.adapters.postgres.store import opened, placed, where
from keylease.adapters.postgres.text import read, stored
from keylease.errors import BadInput
from keylease.ports.moving import Cell, Row, Table, Totals

_TOTALS = """
    SELECT
        (SELECT count(*) FROM keylease.record) AS records,
        (SELECT coalesce(sum(version), 0)::bigint FROM keylease.record) AS versions,
        (SELECT count(*) FROM keylease.inbox) AS "inbox ids",
        (SELECT count(*) FROM keylease.outbox) AS events,
        (SELECT coalesce(sum(attempts), 0) FROM keylease.outbox) AS attempts,
        (SELECT count(*) FROM keylease.outbox WHERE parked_at IS NOT NULL) AS parked,
        (SELECT count(*) FROM keylease.audit) AS "audit entries"
"""
_FREEZE = """
    LOCK TABLE keylease.record, keylease.inbox, keylease.outbox, keylease.audit
    IN SHARE ROW EXCLUSIVE MODE
"""
_IMPATIENT = f"SET LOCAL lock_timeout = {PATIENCE // timedelta(milliseconds=1)}"
_OURS = "SELECT to_regclass('keylease.migration') IS NOT NULL"
_HALF = "SELECT origin FROM keylease.copied WHERE finished = 0"


@dataclass(frozen=True, slots=True)
class PostgresRows:
    """Keeps `ports.moving.Origin` and `Copy`."""

    connection: Connection

    async def totals(self) -> Totals:
        with _words():
            return dict(await self.connection.fetchrow(_TOTALS))

    async def counters(self) -> Mapping[Table, int]:
        with _words():
            return {
                table: await self.connection.fetchval(
                    f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {_counter(table)}"  # noqa: S608  # our own names
                )
                for table in Table
                if table.is_numbered
            }

    async def read(self, table: Table, /, *, after: Row | None, limit: int) -> Sequence[Row]:
        key, names = ", ".join(table.key), ", ".join(table.columns)
        values = [_stored(cell) for cell in (after or ())[: len(table.key)]]
        beyond = f"WHERE ({key}) > ({_marks(len(values))})" if after else ""
        text = f"SELECT {names} FROM keylease.{table} {beyond} ORDER BY {key} LIMIT {limit}"  # noqa: S608  # our own names
        with _words():
            rows = await self.connection.fetch(text, *values)
        return [tuple(_read(cell) for cell in row) for row in rows]

    async def begin(self, origin: str, /) -> bool:
        with _words():
            async with self.connection.transaction():
                await self.connection.execute("LOCK TABLE keylease.copied IN EXCLUSIVE MODE")
                text = "SELECT origin, finished FROM keylease.copied"
                found = await self.connection.fetchrow(text)
                if found is None and not any((await self.totals()).values()):
                    text = "INSERT INTO keylease.copied (origin) VALUES ($1)"
                    await self.connection.execute(text, stored(origin))
                    return True
        if found is None or read(found["origin"]) != origin:
            what = f"a copy of {read(found['origin'])}" if found else "something"
            msg = f"it holds {what}; name an empty one"
            raise BadInput(msg, field="TO")
        return not found["finished"]

    async def last(self, table: Table, /) -> int:
        text = f"SELECT coalesce(max(seq), 0) FROM keylease.{table}"  # noqa: S608  # our own names
        with _words():
            return int(await self.connection.fetchval(text))

    async def write(self, table: Table, rows: Sequence[Row], /) -> None:
        names, marks = ", ".join(table.columns), _marks(len(table.columns))
        text = f"INSERT INTO keylease.{table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own names
        with _words():
            await self.connection.executemany(text, [[_stored(c) for c in row] for row in rows])

    async def finish(self, counters: Mapping[Table, int], /) -> None:
        with _words():
            async with self.connection.transaction():
                for table, last in counters.items():
                    await self.connection.execute(
                        "SELECT setval($1::text::regclass, $2, $3)",
                        _counter(table),
                        max(last, 1),
                        last > 0,
                    )
                await self.connection.execute("UPDATE keylease.copied SET finished = 1")


@asynccontextmanager
async def postgres_origin(server: Server, /) -> AsyncIterator[PostgresRows]:
    """The store in that database; until the context is left, nobody else writes to it.

    Raises:
        BadInput: it holds no store, or half a copy of one, or somebody still writes to it.
    """
    await _is_there(server)
    async with postgres_copy(server) as rows:
        frozen = rows.connection.transaction()
        with _words():
            await frozen.start()
            await _freeze(rows.connection)
        try:
            yield rows
        finally:
            with suppress(*FAULTS):
                await frozen.rollback()


async def _is_there(server: Server) -> None:
    """Before anything is made there."""
    with placed(server):
        connection = await server.connect()
        try:
            is_there = await connection.fetchval(_OURS)
        finally:
            connection.terminate()
    if not is_there:
        msg = f"database {where(server.url)} holds no store of keylease"
        raise BadInput(msg, field="FROM")


async def _freeze(connection: Connection) -> None:
    await connection.execute(_IMPATIENT)
    try:
        await connection.execute(_FREEZE)
    except asyncpg.LockNotAvailableError as e:
        msg = "somebody works with it, or copies it; stop keylease first"
        raise BadInput(msg, field="FROM") from e
    if half := await connection.fetchval(_HALF):
        msg = f"the copy of {read(half)} into it is not finished; finish that one first"
        raise BadInput(msg, field="FROM")


@asynccontextmanager
async def postgres_copy(server: Server, /) -> AsyncIterator[PostgresRows]:
    """A database to be filled."""
    async with opened(server) as pool, pool.acquire() as connection:
        yield PostgresRows(connection)


@contextmanager
def _words() -> Iterator[None]:
    """The driver's complaints in the words of the error tree."""
    try:
        yield
    except FAULTS as e:
        raise meaning(e) from None


def _counter(table: Table) -> str:
    return f"keylease.{table}_seq_seq"


def _marks(count: int) -> str:
    return ", ".join(f"${n}" for n in range(1, count + 1))


def _stored(cell: Cell) -> Cell:
    return stored(cell) if isinstance(cell, str) else cell


def _read(cell: Cell) -> Cell:
    return read(cell) if isinstance(cell, str) else cell
