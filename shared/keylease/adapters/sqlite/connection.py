"""Opening the file, and what each of SQLite's complaints means to the caller."""

import os
import sqlite3
from pathlib import Path

from keylease.errors import InvariantBroken, KeyleaseError, Misconfigured, ProviderTransient

APPLICATION_ID = 0x6B6C7365
"""`klse` in the file's header: says whose file it is."""
OLDEST = (3, 37, 0)
"""The first with strict tables."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""


def connect(
    path: Path, /, *, patience: float = PATIENCE, read_only: bool = False
) -> sqlite3.Connection:
    """A connection with the settings that durability and references need."""
    connection = sqlite3.connect(
        path, timeout=patience, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def prepare(path: Path, /) -> None:
    """Make the file, readable by its owner only, and see that it is ours and can do WAL.

    Raises:
        Misconfigured: it cannot be used; the message says what to do.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        msg = f"SQLite {sqlite3.sqlite_version} is too old; use a Python with 3.37 or newer"
        raise Misconfigured(msg)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as e:
        msg = f"cannot open {path}: {e.strerror}; the folder must exist and be writable"
        raise Misconfigured(msg) from e
    try:
        connection = connect(path)
        try:
            _claim(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as e:
        msg = f"{path} cannot be used as a database ({e}); name another file, or restore a backup"
        raise Misconfigured(msg) from e


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        msg = f"{path} is another program's database; name another file"
        raise Misconfigured(msg)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        msg = f"{path} is on a disk without shared memory (a network disk?); use a local disk"
        raise Misconfigured(msg)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def meaning(e: sqlite3.Error, /) -> KeyleaseError:
    """A complaint about a statement that had no effect, in the words of the error tree."""
    code = getattr(e, "sqlite_errorname", type(e).__name__)
    if isinstance(e, sqlite3.OperationalError):  # busy, full, interrupted
        return ProviderTransient("sqlite", code)
    return InvariantBroken(f"sqlite: {code}; check the disk, then restore a backup")
