"""Brings a database file up to date."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from keylease.ports.migrations import Migration, missing

FOLDER = Path(__file__).parent / "migrations"

_TABLE = """
    CREATE TABLE IF NOT EXISTS migration (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL
    ) STRICT
"""


def migrate(connection: sqlite3.Connection, /, *, known: tuple[Migration, ...]) -> None:
    """Bring the database up to date, in one transaction that other processes wait for.

    Raises:
        Misconfigured: the database is newer than this program, or not what the files say.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        applied = dict(connection.execute("SELECT number, checksum FROM migration"))
        for migration in missing(applied, known=known):
            _apply(connection, migration)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


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
