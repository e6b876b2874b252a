"""The store: questions to the readers, changes to the one writer."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from keylease.adapters.sqlite import statements as sql
from keylease.adapters.sqlite.commit import Commit
from keylease.adapters.sqlite.connection import PATIENCE, claim, connect, prepare, unusable
from keylease.adapters.sqlite.migrate import FOLDER, migrate
from keylease.adapters.sqlite.readers import Readers
from keylease.adapters.sqlite.writer import Writer
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event
from keylease.domain.rows import instant, micros
from keylease.errors import Misconfigured
from keylease.ports.migrations import migrations
from keylease.ports.store import Batch, Outgoing, Parcel, Parked, R

Column = str | int | None
V = TypeVar("V")
FEW = 16
"""Children that are read at once; a larger family is read on a thread."""


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """Keeps `ports.store.Store`; made by `open_sqlite`."""

    writer: Writer
    readers: Readers

    async def load(self, kind: type[R], id: str, /) -> R | None:  # the port's word
        found = await self._few(kind, sql.LOAD, kind.kind, id)
        return found[0] if found else None

    async def children(
        self, kind: type[R], parent: str, /, *, only_open: bool = True, limit: int = 1000
    ) -> tuple[R, ...]:
        family = sql.OPEN_CHILDREN if only_open else sql.ALL_CHILDREN
        first = _family(kind.kind, parent, limit=min(limit, FEW), only_open=only_open)
        found = await self._few(kind, family, *first)
        if len(found) < FEW or limit <= FEW:
            return found
        every = _family(kind.kind, parent, limit=limit, only_open=only_open)
        return await self._records(kind, family, *every)

    async def by_handle(self, kind: type[R], handle: str, /) -> R | None:
        found = await self._few(kind, sql.BY_HANDLE, kind.kind, handle)
        return found[0] if found else None

    async def due(self, kind: type[R], /, *, before: datetime, limit: int) -> tuple[R, ...]:
        return await self._records(kind, sql.DUE, kind.kind, micros(before), limit)

    async def commit(self, batch: Batch, /) -> None:
        await self.writer.do(Commit.of(batch).write)

    async def parcels(self, *, before: datetime, limit: int) -> tuple[Parcel, ...]:
        return await self.readers.ask(
            lambda db: tuple(
                _parcel(*row) for row in db.execute(sql.PARCELS, (micros(before), limit))
            )
        )

    async def lanes(self, *, before: datetime, limit: int) -> int:
        look = self.readers.glance if limit <= FEW else self.readers.ask
        return await look(
            lambda db: int(db.execute(sql.LANES, (micros(before), limit)).fetchone()[0])
        )

    async def delivered(self, parcel: Parcel, /) -> None:
        await self._change(sql.DELIVERED, parcel.seq)

    async def postpone(self, parcel: Parcel, /, *, until: datetime) -> None:
        await self._change(sql.POSTPONE, micros(until), parcel.seq)

    async def park(self, parcel: Parcel, /, *, reason: str, at: datetime) -> None:
        await self._change(sql.PARK, micros(at), reason, parcel.seq)

    async def parked(self, *, limit: int) -> tuple[Parked, ...]:
        return await self.readers.ask(
            lambda db: tuple(
                Parked(parcel=_parcel(*row), reason=reason, at=instant(at))
                for *row, reason, at in db.execute(sql.PARKED, (limit,))
            )
        )

    async def unpark(self, parcel: Parcel, /) -> None:
        await self._change(sql.UNPARK, parcel.seq)

    async def prune(self, *, before: datetime, limit: int) -> int:
        forgotten = list[int]()

        def work(db: sqlite3.Connection) -> None:
            forgotten.append(db.execute(sql.PRUNE, (micros(before), limit)).rowcount)

        await self.writer.do(work, is_long=True)
        return forgotten[-1]

    async def audit(
        self, *, subject: str | None = None, limit: int = 1000
    ) -> tuple[AuditEntry, ...]:
        if subject is None:
            ask = _bodies(AuditEntry.model_validate_json, sql.AUDIT_ALL, (limit,))
        else:
            ask = _bodies(AuditEntry.model_validate_json, sql.AUDIT_OF, (subject, limit))
        return await self.readers.ask(ask)

    async def describe(self) -> str:
        """Which file this is, for `doctor`."""
        schema = await self.readers.ask(
            lambda db: db.execute("SELECT max(number) FROM migration").fetchone()[0]
        )
        return f"SQLite {sqlite3.sqlite_version}, schema {schema}, {self.readers.path}"

    async def dangers(self) -> tuple[str, ...]:
        path = self.readers.path
        if (await asyncio.to_thread(path.stat)).st_mode & 0o077:
            return (f"others may read {path}; run: chmod 600 {path}",)
        return ()

    async def _few(self, kind: type[R], text: str, *values: Column) -> tuple[R, ...]:
        return await self.readers.glance(_bodies(kind.model_validate_json, text, values))

    async def _records(self, kind: type[R], text: str, *values: Column) -> tuple[R, ...]:
        return await self.readers.ask(_bodies(kind.model_validate_json, text, values))

    async def _change(self, text: str, *values: Column) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute(text, values)

        await self.writer.do(work)


@asynccontextmanager
async def open_sqlite(
    path: Path | str, /, *, patience: float = PATIENCE
) -> AsyncIterator[SqliteStore]:
    """The store in that file, made or brought up to date first.

    `patience` is how many seconds a write waits for another process that writes.

    Raises:
        Misconfigured: the file cannot be used; the message says what to do.
    """
    path = Path(path)
    connection = await asyncio.to_thread(_ready, path, patience)
    store = SqliteStore(
        writer=Writer(connection=connection, loop=asyncio.get_running_loop(), patience=patience),
        readers=Readers(path=path),
    )
    await asyncio.to_thread(store.readers.start)
    store.writer.start()
    try:
        yield store
    finally:
        await store.writer.stop()
        await store.readers.stop()
        await asyncio.to_thread(connection.close)


def _ready(path: Path, patience: float) -> sqlite3.Connection:
    connection = migrated(path, patience)
    half = half_of(connection)
    if half is not None:
        connection.close()
        msg = f"database {path}: the copy of {half} into it is not finished; "
        raise Misconfigured(f"{msg}run keylease store copy again")
    return connection


def half_of(connection: sqlite3.Connection, /) -> str | None:
    """From where it is still being copied, or None."""
    found = connection.execute("SELECT origin FROM copied WHERE finished = 0").fetchone()
    return found[0] if found else None


def migrated(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to a file that is ours and up to date.

    Raises:
        Misconfigured: it cannot be used; the message says what to do.
    """
    prepare(path)
    try:
        return _migrated(path, patience)
    except (Misconfigured, sqlite3.Error) as e:
        why = unusable(e) if isinstance(e, sqlite3.Error) else e
        msg = f"database {path}: {why}"
        raise Misconfigured(msg) from e


def _migrated(path: Path, patience: float) -> sqlite3.Connection:
    connection = connect(path, patience=patience)
    try:
        claim(connection, patience=patience)
        migrate(connection, known=migrations(FOLDER))
    except BaseException:
        connection.close()
        raise
    return connection


def _bodies(
    read: Callable[[str], V], text: str, values: tuple[Column, ...]
) -> Callable[[sqlite3.Connection], tuple[V, ...]]:
    return lambda db: tuple(read(body) for (body,) in db.execute(text, values))


def _family(kind: str, parent: str, *, limit: int, only_open: bool) -> tuple[Column, ...]:
    side: tuple[Column, ...] = (kind, parent, limit)
    return side if only_open else (*side, *side, limit)


def _parcel(seq: int, body: str, destination: str, attempts: int) -> Parcel:
    outgoing = Outgoing(event=Event.model_validate_json(body), destination=destination)
    return Parcel(seq=seq, outgoing=outgoing, attempts=attempts)
