"""Opening the file, and what each of SQLite's complaints means to the caller."""

import os
import sqlite3
import time
from pathlib import Path

from keylease.errors import InvariantBroken, KeyleaseError, Misconfigured, ProviderTransient

APPLICATION_ID = 0x6B6C7365
"""`klse` in the file's header: says whose file it is."""
OLDEST = (3, 37, 0)
"""The first with strict tables."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
PAUSE = 0.02


def connect(
    path: Path, /, *, patience: float = PATIENCE, read_only: bool = False
) -> sqlite3.Connection:
    """A connection with the settings that durability and references need."""
    connection = sqlite3.connect(
        path, timeout=patience, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(path: Path, /) -> None:
    """Make the file, readable by its owner only.

    Raises:
        Misconfigured: it cannot be made, or SQLite is too old; the message says what to do.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        msg = f"SQLite {sqlite3.sqlite_version} is too old; use a Python with 3.37 or newer"
        raise Misconfigured(msg)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as e:
        msg = f"cannot open {path}: {e.strerror}; the folder must exist and be writable"
        raise Misconfigured(msg) from e


def claim(connection: sqlite3.Connection, /, *, patience: float = PATIENCE) -> None:
    """See that the file is ours and can do WAL. Several processes may start on a new one at once.

    Raises:
        Misconfigured: it is not, or cannot.
    """
    connection.execute("BEGIN")  # one look: another process may just be claiming it
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    connection.execute("COMMIT")
    if owner != APPLICATION_ID and (owner or tables):
        msg = "it is another program's database; name another file"
        raise Misconfigured(msg)
    if _switched(connection, until=time.monotonic() + patience) != "wal":
        msg = "it is on a disk without shared memory (a network disk?); use a local disk"
        raise Misconfigured(msg)
    if owner != APPLICATION_ID:  # written again it would cost every start a wait for the disk
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _switched(connection: sqlite3.Connection, /, *, until: float) -> str:
    """The journal mode after asking for WAL; SQLite itself waits for nobody who asks too."""
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as e:
            if not _is_busy(e) or time.monotonic() >= until:
                raise
            time.sleep(PAUSE)
        else:
            return str(mode)


def unusable(e: sqlite3.Error, /) -> Misconfigured:
    """Why a file cannot be opened."""
    if _is_busy(e):
        return Misconfigured("another process holds it; stop that one, or wait for its upgrade")
    return Misconfigured(f"it cannot be used ({e}); name another file, or restore a backup")


def meaning(e: sqlite3.Error, /) -> KeyleaseError:
    """A complaint about a statement that had no effect, in the words of the error tree."""
    code = getattr(e, "sqlite_errorname", type(e).__name__)
    if isinstance(e, sqlite3.OperationalError):  # busy, full, interrupted
        return ProviderTransient("sqlite", code)
    return InvariantBroken(f"sqlite: {code}; check the disk, then restore a backup")


def _is_busy(e: sqlite3.Error) -> bool:
    return getattr(e, "sqlite_errorname", "").startswith("SQLITE_BUSY")
