"""Leases per second of 1, 2 and 4 workers on PostgreSQL and NATS."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import asyncpg

from keylease.runtime.logging import configure_logging
from keylease.runtime.process import Process
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import running
from tests.benchmarks.cold_start import prepared
from tests.benchmarks.decide_pg import SECRETS, asking
from tests.benchmarks.lease import EMULATOR, nowhere
from tests.benchmarks.measure import Arm, interleaved
from tests.benchmarks.programs import started, variables
from tests.benchmarks.report import Report, Row
from tests.support.nats_server import nats_server
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import PostgresServer, postgres_server

WORKER = ("-c", "from keylease.cli.main import main; main()", "worker")
FUNCTIONS = "decide,converge,sweep"
"""Sweep too: what meets a busy target is tried again by it."""
SENDERS = 8
PATIENCE = 120.0
"""Seconds for one sample."""
PROVED = """
    SELECT count(*) FROM keylease.record
    WHERE kind = 'lease' AND body::jsonb ->> 'status' = 'active'
"""
LOOKS_EVERY = 0.02
METHOD = """\
Whole leases: from the message that asks to the proof, read back from the cloud, that the account \
may do what the lease says and nothing else. This process takes the messages in, 8 at once; the \
workers are `keylease worker --functions decide,converge,sweep`, each a process of its own with \
its relay, on one PostgreSQL (`fsync` off), one NATS server (which flushes every message) and one \
emulated cloud. What notify would tell is put on the bus, and nobody takes it. Every sample has \
new servers and some leases before the clock runs. On 2 cores all of these share the machine, and \
the emulator, one Python process, works for each lease as well: the table shows what a second \
worker adds here, not how far it goes. Wall time."""


@dataclass(frozen=True, slots=True)
class Size:
    workers: tuple[int, ...] = (1, 2, 4)
    leases: int = 50
    warm_up: int = 6
    rounds: int = 1


SMOKE = Size(workers=(2,), leases=4, warm_up=1)


@dataclass(frozen=True, slots=True)
class Crew:
    """An intake here, workers elsewhere, and a look at their store."""

    intake: Process
    database: asyncpg.Connection

    async def lease(self, numbers: list[int], /) -> None:
        """Ask for as many, and wait until all are proved."""
        waiting, before = iter(numbers), await self._proved()
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._ask(waiting))
        async with asyncio.timeout(PATIENCE):
            while await self._proved() < before + len(numbers):  # noqa: ASYNC110  # the store only answers
                await asyncio.sleep(LOOKS_EVERY)

    async def _ask(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self.intake.receive(asking(number))

    async def _proved(self) -> int:
        return int(await self.database.fetchval(PROVED))


@asynccontextmanager
async def crew(postgres: PostgresServer, /, *, workers: int) -> AsyncIterator[Crew]:
    """That many workers on a database, a bus and a cloud of their own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = await stack.enter_async_context(empty_database(postgres))
        nats = await stack.enter_async_context(nats_server())
        (cloud,) = await stack.enter_async_context(started(*EMULATOR))
        given = SECRETS | {
            "KEYLEASE_CONFIG": str(prepared(folder)),
            "KEYLEASE_STORE": url,
            "KEYLEASE_NATS__SERVERS": json.dumps([nats.url]),
            "KEYLEASE_NATS__SIGNING_SECRET": json.dumps({"env": "BENCH_SECRET"}),
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps({"rocketmq": cloud, "r-kvstore": cloud}),
        }
        settings = read_settings(folder / "keylease.json", variables=given)
        keylease = await stack.enter_async_context(
            running(settings, functions={"intake"}, variables=given)
        )
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                program = started(*WORKER, "--functions", FUNCTIONS, env=variables(**given))
                group.create_task(stack.enter_async_context(program))
        database = await asyncpg.connect(url)
        stack.push_async_callback(database.close)
        yield Crew(keylease.process, database)


def timed(postgres: PostgresServer, /, *, workers: int, size: Size) -> Arm:
    async def arm() -> float:
        numbers = count()
        async with crew(postgres, workers=workers) as made:
            await made.lease(list(islice(numbers, size.warm_up)))
            begun = time.perf_counter()
            await made.lease(list(islice(numbers, size.leases)))
            return (time.perf_counter() - begun) / size.leases

    return arm


async def measure(size: Size = Size(), /) -> Report:  # frozen
    with nowhere() as log, postgres_server() as postgres:
        configure_logging(level="warning", stream=log)
        arms = {f"{n}": timed(postgres, workers=n, size=size) for n in size.workers}
        samples = await interleaved(arms, rounds=size.rounds)
    first = str(size.workers[0])
    rows = [
        Row(
            what=f"leases per second, workers: {name}",
            goal="none",
            measured=f"{1 / samples.median(name):.1f}/s",
            is_met=None,
            against=f"{samples.ratio(first, to=name):.2f}x of workers: {first}",
        )
        for name in arms
    ]
    return Report("leases_on_postgres", "Whole leases on PostgreSQL and NATS", METHOD, tuple(rows))
