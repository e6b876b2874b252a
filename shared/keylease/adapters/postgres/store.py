"""The store: one statement per question, one call per commit, claims on what is delivered."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from keylease.adapters.postgres import statements as sql
from keylease.adapters.postgres.commit import arguments
from keylease.adapters.postgres.connection import (
    FAULTS,
    PATIENCE,
    Database,
    Pool,
    Server,
    code_of,
)
from keylease.adapters.postgres.hints import Notifier, Wake, listening
from keylease.adapters.postgres.migrate import FOLDER, migrate
from keylease.adapters.postgres.text import read, stored
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event
from keylease.domain.rows import instant, micros
from keylease.errors import KeyleaseError, Misconfigured
from keylease.ports.migrations import migrations
from keylease.ports.store import Batch, Outgoing, Parcel, Parked, R

CLAIM = timedelta(seconds=30)
"""How long a parcel waits for a worker that took it and fell silent. A live one renews it."""


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """Keeps `ports.store.Store`; made by `open_postgres`."""

    database: Database
    notifier: Notifier
    worker: int
    """Who claims parcels here: a number that no other open store has."""
    claim: timedelta = CLAIM

    async def load(self, kind: type[R], id: str, /) -> R | None:  # the port's word
        found = await self._records(kind, sql.LOAD, kind.kind, stored(id))
        return found[0] if found else None

    async def children(
        self, kind: type[R], parent: str, /, *, only_open: bool = True, limit: int = 1000
    ) -> tuple[R, ...]:
        family = sql.OPEN_CHILDREN if only_open else sql.ALL_CHILDREN
        return await self._records(kind, family, kind.kind, stored(parent), limit)

    async def by_handle(self, kind: type[R], handle: str, /) -> R | None:
        found = await self._records(kind, sql.BY_HANDLE, kind.kind, stored(handle))
        return found[0] if found else None

    async def due(self, kind: type[R], /, *, before: datetime, limit: int) -> tuple[R, ...]:
        return await self._records(kind, sql.DUE, kind.kind, micros(before), limit)

    async def commit(self, batch: Batch, /) -> None:
        await self.database.change(sql.COMMIT, *arguments(batch))
        if batch.outgoing:
            self.notifier.soon()

    async def parcels(self, *, before: datetime, limit: int) -> tuple[Parcel, ...]:
        """What this worker claims: nobody else is given it before the claim runs out."""
        rows = await self.database.ask(sql.PARCELS, micros(before), limit, self.worker, self.claim)
        return tuple(_parcel(*row) for row in rows)

    async def lanes(self, *, before: datetime, limit: int) -> int:
        ((count,),) = await self.database.ask(sql.LANES, micros(before), limit)
        return int(count)

    async def delivered(self, parcel: Parcel, /) -> None:
        await self.database.change(sql.DELIVERED, parcel.seq)

    async def postpone(self, parcel: Parcel, /, *, until: datetime) -> None:
        await self.database.change(sql.POSTPONE, parcel.seq, self.worker, micros(until))

    async def park(self, parcel: Parcel, /, *, reason: str, at: datetime) -> None:
        words = stored(reason)
        await self.database.change(sql.PARK, parcel.seq, self.worker, micros(at), words)

    async def parked(self, *, limit: int) -> tuple[Parked, ...]:
        return tuple(
            Parked(parcel=_parcel(*row), reason=read(reason), at=instant(at))
            for *row, reason, at in await self.database.ask(sql.PARKED, limit)
        )

    async def unpark(self, parcel: Parcel, /) -> None:
        await self.database.change(sql.UNPARK, parcel.seq)
        self.notifier.soon()

    async def prune(self, *, before: datetime, limit: int) -> int:
        ((forgotten,),) = await self.database.ask(sql.PRUNE, micros(before), limit)
        return int(forgotten)

    async def audit(
        self, *, subject: str | None = None, limit: int = 1000
    ) -> tuple[AuditEntry, ...]:
        if subject is None:
            rows = await self.database.ask(sql.AUDIT_ALL, limit)
        else:
            rows = await self.database.ask(sql.AUDIT_OF, stored(subject), limit)
        return tuple(AuditEntry.model_validate_json(body) for (body,) in rows)

    async def describe(self) -> str:
        """Which database this is, for `doctor`."""
        ((version, schema, name, open_),) = await self.database.ask(sql.DESCRIBE)
        return f"PostgreSQL {version}, schema {schema}, {name}, {open_} connections of keylease"

    async def dangers(self) -> tuple[str, ...]:
        ((forgets, tears, is_superuser, missing),) = await self.database.ask(sql.DANGERS)
        found = {
            "fsync is off: a power cut loses commits; turn it on and restart the server": forgets,
            "full_page_writes is off: a power cut may tear pages; turn it on": tears,
            "its user is a superuser; give it a role of its own": is_superuser,
            f"its user lacks {', '.join(missing)}; run: GRANT … TO that user": missing,
        }
        return tuple(words for words, is_so in found.items() if is_so)

    async def let_go(self) -> None:
        """Give back what is claimed, so that other workers need not wait for the claim's end."""
        with suppress(KeyleaseError):
            await self.database.change(sql.LET_GO, self.worker)

    async def _records(self, kind: type[R], text: str, *values: str | int) -> tuple[R, ...]:
        rows = await self.database.ask(text, *values)
        return tuple(kind.model_validate_json(body) for (body,) in rows)


@asynccontextmanager
async def open_postgres(
    server: Server, /, *, wake: Wake | None = None, claim: timedelta = CLAIM
) -> AsyncIterator[PostgresStore]:
    """The store in that database, made or brought up to date first.

    `wake` is called when another process has left something to deliver. It is a hint: one that
    gets lost costs the time until the next look at the outbox.

    Raises:
        Misconfigured: the database cannot be used; the message says what to do.
    """
    async with opened(server) as pool:
        worker = await _whole(server, pool)
        async with listening(server, wake), Notifier.running(Database(pool)) as notifier:
            store = PostgresStore(Database(pool), notifier, worker=worker, claim=claim)
            yield store
            await store.let_go()


@asynccontextmanager
async def opened(server: Server, /) -> AsyncIterator[Pool]:
    """Connections to that database, made or brought up to date first.

    Raises:
        Misconfigured: it cannot be used; the message says what to do.
    """
    pool = server.pooled()
    try:
        with placed(server):
            await pool
            async with pool.acquire() as connection:
                await migrate(connection, known=migrations(FOLDER))
        yield pool
    finally:
        await _closed(pool)


async def _whole(server: Server, pool: Pool) -> int:
    """See that nothing is missing, and draw this worker's number."""
    with placed(server):
        half, number = await pool.fetchrow(sql.WHOLE)
        if half is not None:
            msg = f"the copy of {read(half)} into it is not finished; run keylease store copy again"
            raise Misconfigured(msg)
    return int(number)


@contextmanager
def placed(server: Server) -> Iterator[None]:
    """What is wrong with a database, with its name."""
    try:
        yield
    except Misconfigured as e:
        msg = f"database {where(server.url)}: {e}"
        raise Misconfigured(msg) from e
    except (*FAULTS, ValueError) as e:
        msg = f"database {where(server.url)}: {unusable(e)}"
        raise Misconfigured(msg) from None  # the driver's words may hold what it was given


async def _closed(pool: Pool) -> None:
    """Wait for what is under way, not for ever."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await pool.close()
    except (TimeoutError, *FAULTS):
        pool.terminate()


def where(url: str, /) -> str:
    """The address as it may be shown: no user, no password, no options."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2] or "the local socket"
    return f"{parts.path.removeprefix('/')} at {host}"


def unusable(e: Exception, /) -> str:
    """Why it cannot be opened, and what to do."""
    code = code_of(e)
    match code:
        case "28P01" | "28000":
            return f"user or password is refused ({code}); see postgres.password"
        case "3D000":
            return f"there is no such database ({code}); make it with createdb"
        case "42501":
            return f"the user may not make tables ({code}); see Upgrades in operations.md"
        case "53300":
            return f"it has no connection left ({code}); raise max_connections, lower postgres.pool"
    return f"it cannot be used ({code}); see that it runs, and check the store's address"


def _parcel(seq: int, body: str, destination: str, attempts: int) -> Parcel:
    outgoing = Outgoing(event=Event.model_validate_json(body), destination=read(destination))
    return Parcel(seq=seq, outgoing=outgoing, attempts=attempts)
