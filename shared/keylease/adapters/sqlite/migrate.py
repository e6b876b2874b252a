"""Numbered, forward-only migrations; what was applied is known by its checksum."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keylease.errors import Misconfigured

FOLDER = Path(__file__).parent / "migrations"

_TABLE = """
    CREATE TABLE IF NOT EXISTS migration (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL
    ) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @classmethod
    def read(cls, path: Path, /) -> Self:
        """The migration in that file."""
        number, _, name = path.stem.partition("_")
        return cls(number=int(number), name=name, sql=path.read_text(encoding="utf-8"))

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER, /) -> tuple[Migration, ...]:
    """All that this version of keylease knows, in order."""
    return tuple(Migration.read(path) for path in sorted(folder.glob("*.sql")))


def migrate(connection: sqlite3.Connection, /, *, known: tuple[Migration, ...]) -> None:
    """Bring the database up to date, in one transaction that other processes wait for.

    Raises:
        Misconfigured: the database is newer than this program, or not what the files say.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        applied = dict(connection.execute("SELECT number, checksum FROM migration"))
        _check(applied, known)
        for migration in known:
            if migration.number not in applied:
                _apply(connection, migration)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _check(applied: dict[int, str], known: tuple[Migration, ...]) -> None:
    newest = max((migration.number for migration in known), default=0)
    reached = max(applied, default=0)
    if reached > newest:
        msg = (
            f"the database has schema {reached} and this keylease knows only {newest}: start the "
            "newer keylease again, or restore the backup that was made before the upgrade"
        )
        raise Misconfigured(msg)
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            msg = (
                f"migration {migration.number:04}_{migration.name} differs from the one that made "
                "this database: install an unchanged keylease; a change needs a new migration"
            )
            raise Misconfigured(msg)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in _statements(migration.sql):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO migration (number, name, checksum) VALUES (?, ?, ?)",
        (migration.number, migration.name, migration.checksum),
    )


def _statements(sql: str) -> Iterator[str]:
    """One by one: `executescript` would commit first, and half a migration could stay."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
