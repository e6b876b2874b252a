"""Numbered, forward-only migrations, with the numbers and the meaning that SQLite's have.

Many processes start at once: the first takes a lock and migrates, the others wait for it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keylease.adapters.postgres.connection import OLDEST, Connection
from keylease.errors import Misconfigured

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x6B6C7365
"""`klse`: half of this lock's number, so that no other program of this database has it."""
SLOW = 3600.0
"""Seconds that a migration may take: a big table is rewritten once, not never."""

_STATE = """
    SELECT
        current_setting('server_version_num')::integer / 10000 AS version,
        current_setting('server_encoding') AS encoding,
        current_setting('synchronous_commit') AS synchronous,
        to_regclass('keylease.migration') IS NOT NULL AS is_ours,
        EXISTS (
            SELECT FROM pg_class WHERE relnamespace = to_regnamespace('keylease')
        ) AS is_taken
"""
_APPLIED = "SELECT number, checksum FROM keylease.migration"
_LOCK = f"SELECT pg_advisory_xact_lock({LOCK}, 0)"
_SCHEMA = """
    DO $$ BEGIN
        IF to_regnamespace('keylease') IS NULL THEN CREATE SCHEMA keylease; END IF;
    END $$;
    CREATE TABLE IF NOT EXISTS keylease.migration (
        number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL
    )
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


async def migrate(connection: Connection, /, *, known: tuple[Migration, ...]) -> None:
    """Bring the database up to date, in one transaction that other processes wait for.

    Raises:
        Misconfigured: the database is too old, newer than this program, somebody else's, or not
            what the files say.
    """
    state = await connection.fetchrow(_STATE)
    _check_server(state)
    if state["is_ours"] and not _missing(dict(await connection.fetch(_APPLIED)), known):
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(_LOCK, timeout=SLOW)
        await connection.execute(_SCHEMA)
        for migration in _missing(dict(await connection.fetch(_APPLIED)), known):
            await connection.execute(migration.sql, timeout=SLOW)
            await connection.execute(
                "INSERT INTO keylease.migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )


def _check_server(state: dict[str, object]) -> None:
    if int(str(state["version"])) < OLDEST:
        msg = f"it is PostgreSQL {state['version']}; use {OLDEST} or later"
        raise Misconfigured(msg)
    if state["encoding"] != "UTF8":
        msg = f"it keeps text as {state['encoding']}; make a database with ENCODING 'UTF8'"
        raise Misconfigured(msg)
    if state["synchronous"] == "off":
        msg = (
            "it forgets commits in a power cut (synchronous_commit is off); "
            "run: ALTER ROLE … SET synchronous_commit = on"
        )
        raise Misconfigured(msg)
    if state["is_taken"] and not state["is_ours"]:
        msg = "its schema keylease belongs to another program; name another database"
        raise Misconfigured(msg)


def _missing(applied: dict[int, str], known: tuple[Migration, ...]) -> tuple[Migration, ...]:
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
    return tuple(migration for migration in known if migration.number not in applied)
