"""The pool, and what each of PostgreSQL's complaints means to the caller.

Nothing that the driver says is passed on in words: they may hold rows, a host or a user. A code of
five characters says as much to whoever looks it up.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

import asyncpg

from keylease.domain.secret import Secret
from keylease.errors import (
    Conflict,
    Duplicate,
    InvariantBroken,
    KeyleaseError,
    ProviderAmbiguous,
    ProviderTransient,
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

PROVIDER = "postgresql"
OLDEST = 16
NAME = "keylease"
LATE = timedelta(seconds=5)
"""How much longer than the server we wait before we say that it does not answer."""
PATIENCE = timedelta(seconds=10)
"""How long a call waits for a free connection, or for a new one."""
PASSING = frozenset({"25006", "40001", "40P01", "55P03", "57014", "57P03"})
"""Undone whole: a server that may not write (a failover), a lost race, a deadlock, a lock or a
statement that took too long, a server that is starting."""
PASSING_CLASSES = frozenset({"53"})
"""Too little of something: connections, memory, disk."""
NO_CONNECTION = "08"
NO_RIGHT = "42501"
BROKEN_OFF = frozenset({"57P01", "57P02", "57P05"})
"""The server hangs up; nobody knows whether before or after the commit."""
FAULTS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""All that the driver raises."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is, and how it is used."""

    url: str
    """Holds no password."""
    password: Secret | None = None
    pool: int = 8
    """Connections at most."""
    statement_timeout: timedelta = timedelta(seconds=10)
    options: dict[str, str] = field(default_factory=dict)
    """More settings of the session."""

    async def connect(self) -> Connection:
        """A connection of its own, for what a pool is not for."""
        return await asyncpg.connect(
            dsn=self.url,
            password=self.password.reveal() if self.password else None,
            timeout=PATIENCE.total_seconds(),
            server_settings=self._session(),
        )

    def pooled(self) -> Pool:
        """A pool that is not open yet."""
        return asyncpg.create_pool(
            dsn=self.url,
            password=self.password.reveal() if self.password else None,
            min_size=0,
            max_size=self.pool,
            timeout=PATIENCE.total_seconds(),
            command_timeout=(self.statement_timeout + LATE).total_seconds(),
            reset=_as_it_is,
            server_settings=self._session(),
        )

    def _session(self) -> dict[str, str]:
        return {
            "application_name": NAME,
            "statement_timeout": str(self.statement_timeout // timedelta(milliseconds=1)),
            "jit": "off",  # these questions are answered before a compiler has started
            "default_transaction_isolation": "read committed",  # see migrations/0001_first.sql
            **self.options,
        }


async def _as_it_is(_: Connection) -> None:
    """No call leaves anything in a session, so no round trip cleans up after it."""


@dataclass(frozen=True, slots=True)
class Database:
    """Runs statements, one transaction each."""

    pool: Pool

    async def ask(self, text: str, /, *values: object) -> list[asyncpg.Record]:
        """The rows of a question, which changes nothing that must be known afterwards."""
        async with self._connection() as connection:
            try:
                found: list[asyncpg.Record] = await connection.fetch(text, *values)
            except FAULTS as e:
                raise unanswered(e) from None
        return found

    async def change(self, text: str, /, *values: object) -> None:
        """Run a statement that changes something.

        Raises:
            KeyleaseError: nothing was changed, except after ProviderAmbiguous, when nobody knows.
        """
        async with self._connection() as connection:
            try:
                await connection.execute(text, *values)
            except FAULTS as e:
                raise meaning(e) from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            connection = await self.pool.acquire(timeout=PATIENCE.total_seconds())
        except FAULTS as e:
            if self.pool.is_closing():
                msg = "the store is closed"
                raise InvariantBroken(msg) from None
            raise ProviderTransient(PROVIDER, f"no connection, {code_of(e)}") from None
        try:
            yield connection
        finally:
            with suppress(*FAULTS):  # the pool has closed what it could not take back
                await self.pool.release(connection)


def meaning(e: Exception, /) -> KeyleaseError:
    """A complaint about a statement that writes, in the words of the error tree."""
    code = code_of(e)
    match code:
        case "KL001":
            return Duplicate(str(e))
        case "KL002":
            return Conflict(f"{e} has another version by now")
        case "23505":
            return InvariantBroken("a record has the handle of another one of its kind")
    if _is_lost(e):
        return ProviderAmbiguous(PROVIDER, code)
    return _undone(e)


def unanswered(e: Exception, /) -> KeyleaseError:
    """A complaint about a question: to ask again is always safe."""
    return ProviderTransient(PROVIDER, code_of(e)) if _is_lost(e) else _undone(e)


def code_of(e: Exception, /) -> str:
    """What may be said of a driver's error: its kind, or PostgreSQL's code of five characters."""
    return getattr(e, "sqlstate", None) or type(e).__name__


def _is_lost(e: Exception) -> bool:
    """Whether the answer did not arrive, rather than being a refusal."""
    if isinstance(e, asyncpg.PostgresError):
        code = code_of(e)
        return code in BROKEN_OFF or code[:2] == NO_CONNECTION
    return not isinstance(e, ValueError)  # a value that the driver does not send


def _undone(e: Exception) -> KeyleaseError:
    code = code_of(e)
    if code in PASSING or code[:2] in PASSING_CLASSES:
        return ProviderTransient(PROVIDER, code)
    if code == NO_RIGHT:
        return InvariantBroken(f"{PROVIDER}: {code}; its user lacks a right, run keylease doctor")
    return InvariantBroken(f"{PROVIDER}: {code}; check the database, then restore a backup")
