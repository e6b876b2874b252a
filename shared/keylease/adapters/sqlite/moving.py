"""The file's rows as they are, for `keylease store copy`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keylease.adapters.sqlite.connection import PATIENCE, meaning
from keylease.adapters.sqlite.store import half_of, migrated
from keylease.errors import BadInput
from keylease.ports.moving import Row, Table, Totals

T = TypeVar("T")
_TOTALS = """
    SELECT
        (SELECT count(*) FROM record) AS records,
        (SELECT coalesce(sum(version), 0) FROM record) AS versions,
        (SELECT count(*) FROM inbox) AS "inbox ids",
        (SELECT count(*) FROM outbox) AS events,
        (SELECT coalesce(sum(attempts), 0) FROM outbox) AS attempts,
        (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL) AS parked,
        (SELECT count(*) FROM audit) AS "audit entries"
"""


@dataclass(frozen=True, slots=True)
class SqliteRows:
    """Keeps `ports.moving.Origin` and `Copy`."""

    connection: sqlite3.Connection

    async def freeze(self) -> None:
        """Let nobody else write before the connection is closed.

        Raises:
            BadInput: it is half a copy.
        """
        await self._run(lambda: self.connection.execute("BEGIN IMMEDIATE"))
        half = await self._run(lambda: half_of(self.connection))
        if half is not None:
            msg = f"the copy of {half} into it is not finished; finish that one first"
            raise BadInput(msg, field="FROM")

    async def totals(self) -> Totals:
        return await self._run(self._totals)

    async def counters(self) -> Mapping[Table, int]:
        def ask() -> dict[Table, int]:
            found = dict(self.connection.execute("SELECT name, seq FROM sqlite_sequence"))
            return {table: found.get(table, 0) for table in Table if table.is_numbered}

        return await self._run(ask)

    async def read(self, table: Table, /, *, after: Row | None, limit: int) -> Sequence[Row]:
        key, names = ", ".join(table.key), ", ".join(table.columns)
        beyond = f"WHERE ({key}) > ({', '.join('?' * len(table.key))})" if after else ""
        text = f"SELECT {names} FROM {table} {beyond} ORDER BY {key} LIMIT ?"  # noqa: S608  # our own names
        values = (*(after or ())[: len(table.key)], limit)
        return await self._run(lambda: self.connection.execute(text, values).fetchall())

    async def begin(self, origin: str, /) -> bool:
        is_to_do = list[bool]()
        await self._changed(lambda: is_to_do.append(self._begin(origin)))
        return is_to_do[-1]

    async def last(self, table: Table, /) -> int:
        text = f"SELECT coalesce(max(seq), 0) FROM {table}"  # noqa: S608  # our own names
        return await self._run(lambda: int(self.connection.execute(text).fetchone()[0]))

    async def write(self, table: Table, rows: Sequence[Row], /) -> None:
        names, marks = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        text = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own names
        await self._changed(lambda: self.connection.executemany(text, rows))

    async def finish(self, counters: Mapping[Table, int], /) -> None:
        def work() -> None:
            for table, last in counters.items():
                self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                self.connection.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last)
                )
            self.connection.execute("UPDATE copied SET finished = 1")

        await self._changed(work)

    def _totals(self) -> Totals:
        cursor = self.connection.execute(_TOTALS)
        names = [name for name, *_ in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    def _begin(self, origin: str) -> bool:
        found = self.connection.execute("SELECT origin, finished FROM copied").fetchone()
        if found is None and not any(self._totals().values()):
            self.connection.execute("INSERT INTO copied (origin) VALUES (?)", (origin,))
            return True
        if found is None or found[0] != origin:
            msg = f"it holds {f'a copy of {found[0]}' if found else 'something'}; name an empty one"
            raise BadInput(msg, field="TO")
        return not found[1]

    async def _changed(self, work: Callable[[], object]) -> None:
        def transaction() -> None:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                work()
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

        await self._run(transaction)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except sqlite3.Error as e:
            raise meaning(e) from e


@asynccontextmanager
async def sqlite_origin(path: Path, /) -> AsyncIterator[SqliteRows]:
    """The store in that file; until the context is left, nobody else writes to it.

    Raises:
        BadInput: it is not there.
    """
    if not await asyncio.to_thread(path.exists):
        msg = f"{path} is not there"
        raise BadInput(msg, field="FROM")
    async with sqlite_copy(path) as rows:
        await rows.freeze()
        yield rows


@asynccontextmanager
async def sqlite_copy(path: Path, /) -> AsyncIterator[SqliteRows]:
    """A file to be filled, made if it is not there."""
    connection = await asyncio.to_thread(migrated, path, PATIENCE)
    try:
        yield SqliteRows(connection)
    finally:
        await asyncio.to_thread(connection.close)
