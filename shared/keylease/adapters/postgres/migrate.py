"""Brings the schema up to date; numbers and meaning are those of SQLite's migrations.

Many processes start at once: the first takes a lock and migrates, the others wait for it.
"""

from pathlib import Path

from keylease.adapters.postgres.connection import OLDEST, Connection
from keylease.errors import Misconfigured
from keylease.ports.migrations import Migration, missing

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


async def migrate(connection: Connection, /, *, known: tuple[Migration, ...]) -> None:
    """Bring the database up to date, in one transaction that other processes wait for.

    Raises:
        Misconfigured: the database is too old, newer than this program, somebody else's, or not
            what the files say.
    """
    state = await connection.fetchrow(_STATE)
    _check_server(state)
    if state["is_ours"] and not missing(dict(await connection.fetch(_APPLIED)), known=known):
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(_LOCK, timeout=SLOW)
        await connection.execute(_SCHEMA)
        for migration in missing(dict(await connection.fetch(_APPLIED)), known=known):
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
