"""Decisions per second with their commit on PostgreSQL, against the same step on SQLAlchemy."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from keylease.adapters.postgres.store import PostgresStore
from keylease.domain.intake import Arrived, Ask
from keylease.domain.people import ExternalId
from keylease.ports.store import Parcel, Store
from keylease.runtime.logging import configure_logging
from keylease.runtime.settings import Settings, read_settings
from keylease.runtime.wiring import Keylease, running
from tests.benchmarks.cold_start import prepared
from tests.benchmarks.core_store import CoreStore, Transactions, tables_of
from tests.benchmarks.lease import nowhere
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.report import Report, Row
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import postgres_server

GOAL = 2.0
CALLERS = 8
FUNCTIONS = frozenset({"intake", "decide"})
EVERYTHING = """
    SELECT 'record', kind, id, version::text, coalesce(parent, '') FROM keylease.record
    UNION ALL SELECT 'outbox', destination, subject, '', '' FROM keylease.outbox
    UNION ALL SELECT 'audit', subject, body::jsonb ->> 'action', '', '' FROM keylease.audit
    UNION ALL SELECT 'inbox', source, '', '', '' FROM keylease.inbox -- keys are made up
    ORDER BY 1, 2, 3, 4, 5
"""
SECRETS = {
    "BENCH_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "BENCH_SECRET": "testsecret",
}
METHOD = """\
The function `decide` as it runs in production, on requests that the policy permits: it reads the \
request, the account and its open leases, judges, and commits the settled request, a lease, an \
account, the events for their destinations, an audit entry and the inbox id, and takes the parcel \
out of the outbox. Both sides run the very same process, function, policy and records; only the \
store differs. Ours asks three questions and makes one call that commits; SQLAlchemy Core, on \
asyncpg, makes the same reads and writes in one transaction per step: it checks versions and \
inbox as ours does, and takes none of our locks. 8 callers at once, 8 connections, one \
PostgreSQL 18 on a Unix socket with `fsync` off, so that the disk is in neither. Both log nothing. \
CPU time is that of the process, without the server's."""


@dataclass(frozen=True, slots=True)
class Size:
    steps: int = 120
    rounds: int = 7


SMOKE = Size(steps=8, rounds=1)


@dataclass(frozen=True, slots=True)
class Side:
    """One keylease on one database."""

    keylease: Keylease
    store: PostgresStore
    """Ours, whichever the process uses."""
    begun: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Around each step."""

    async def submitted(self, numbers: Iterable[int], /) -> list[Parcel]:
        """New requests, each with the parcel that makes decide run."""
        for number in numbers:
            async with self.begun():
                await self.keylease.process.receive(asking(number))
        now = self.keylease.clock.now()
        parcels = await self.store.parcels(before=now, limit=10_000)
        return [p for p in parcels if p.outgoing.destination == "function:decide"]

    async def decide(self, parcels: Iterator[Parcel], /) -> None:
        """Step after step."""
        for parcel in parcels:
            async with self.begun():
                await self.keylease.process.run("decide", parcel.outgoing.event, parcel=parcel)

    async def forget(self) -> None:
        """Drop what other functions would be told."""
        await self.store.database.change("TRUNCATE keylease.outbox")

    async def written(self) -> list[tuple[str, ...]]:
        """All that was written, but for what holds an instant."""
        rows = await self.store.database.ask(EVERYTHING)
        return [tuple(row) for row in rows]


def asking(number: int, /) -> Arrived:
    """A person asks for what the policy gives her."""
    ask = Ask(entitlement="orders-consumer", duration=timedelta(minutes=5), reason="benchmark")
    sender = ExternalId(platform="slack", tenant="T0DEMO", subject="U0ANA0001")
    return Arrived(source="slack", tenant="demo", key=f"message-{number}", sender=sender, said=ask)


@asynccontextmanager
async def ours(folder: Path, url: str, /) -> AsyncIterator[Side]:
    """On the store as it is."""
    async with running(_settings(folder, url), functions=FUNCTIONS, variables=SECRETS) as keylease:
        store = keylease.store
        assert isinstance(store, PostgresStore)
        yield Side(keylease, store)


@asynccontextmanager
async def core(folder: Path, url: str, /) -> AsyncIterator[Side]:
    """The same process on SQLAlchemy's store; ours is beside it, to look at the tables."""
    async with AsyncExitStack() as stack:
        side = await stack.enter_async_context(ours(folder, url))
        engine = create_async_engine(
            url.replace("postgresql:", "postgresql+asyncpg:"), pool_size=CALLERS, max_overflow=0
        )
        stack.push_async_callback(engine.dispose)
        transactions = Transactions(engine)
        store = CoreStore(transactions, await tables_of(engine))
        keylease = await stack.enter_async_context(
            running(
                _settings(folder, url),
                functions=FUNCTIONS,
                variables=SECRETS,
                wrap=lambda kind, part: store if kind is Store else part,
            )
        )
        yield Side(keylease, side.store, transactions.begun)


def _settings(folder: Path, url: str) -> Settings:
    variables = SECRETS | {"KEYLEASE_STORE": url}
    return read_settings(prepared(folder), variables=variables)


def timed(side: Side, /, *, size: Size, cpu: list[float]) -> Arm:
    numbers = count()

    async def arm() -> float:
        parcels = iter(await side.submitted(islice(numbers, size.steps)))
        begun, used = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(side.decide(parcels))
        cpu.append((time.process_time() - used) / size.steps)
        wall = (time.perf_counter() - begun) / size.steps
        await side.forget()
        return wall

    return arm


@asynccontextmanager
async def sides() -> AsyncIterator[dict[str, Side]]:
    """Both, each on a database of its own on one server."""
    async with AsyncExitStack() as stack:
        configure_logging(level="warning", stream=stack.enter_context(nowhere()))
        server = stack.enter_context(postgres_server())
        made = {}
        for name, side in (("ours", ours), ("core", core)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            url = await stack.enter_async_context(empty_database(server))
            made[name] = await stack.enter_async_context(side(folder, url))
        yield made


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with sides() as both:
        cpu: dict[str, list[float]] = {name: [] for name in both}
        arms = {name: timed(side, size=size, cpu=cpu[name]) for name, side in both.items()}
        wall = await interleaved(arms, rounds=size.rounds)
    rows = (
        row(wall, what="decisions per second", unit="/s"),
        row(Samples(cpu), what="decisions per second of CPU time, one core", unit="/s"),
    )
    return Report("decide_pg", "Decisions with their commit on PostgreSQL", METHOD, rows)


def row(samples: Samples, /, *, what: str, unit: str) -> Row:
    ratio = samples.ratio("core", to="ours")
    mine, theirs = (f"{1 / samples.median(name):,.0f}{unit}" for name in ("ours", "core"))
    return Row(
        what=what,
        goal=f"at least {GOAL:.0f}x",
        measured=f"{ratio:.2f}x",
        is_met=ratio >= GOAL,
        against=f"{mine} against {theirs}",
    )
