"""The stage of a chaos run: real servers, the cloud and keylease as processes of their own."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import open_postgres
from keylease.cli.demo_receiver import Receiver, receiving
from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.secret import Secret
from keylease.emulator.slack import slack_stand_in
from tests.chaos.programs import STOPS_WITHIN, Diary, Program
from tests.support.nats_server import NatsServer, nats_server
from tests.support.postgres_server import PostgresServer, postgres_server

HERE = Path(__file__).parent
SIGNING = "CHAOS_SIGNING_SECRET"
DATABASE = "postgres"
ANSWERS_WITHIN = aiohttp.ClientTimeout(total=15)
FAULTY = 0.05
FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "refuse"},
    {"kind": "slow", "delay": "PT0.3S"},
    {"kind": "server_error"},
    {"kind": "server_error", "is_done": True},
    {"kind": "throttle"},
    {"kind": "lost_response"},
    {"kind": "truncated_json"},
    {"kind": "stale_read"},
)
"""Together they strike one call in twenty."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many of each program, and how patient they are."""

    workers: int
    intakes: int
    module: str = "keylease.cli.main"


@dataclass(slots=True)
class Stage:
    """Everything that a run works with, and may break."""

    folder: Path
    cloud: Program
    workers: tuple[Program, ...]
    intakes: tuple[Program, ...]
    nats: NatsServer
    postgres: PostgresServer
    receiver: Receiver
    session: aiohttp.ClientSession
    diary: Diary
    variables: dict[str, str] = field(repr=False)

    @property
    def programs(self) -> tuple[Program, ...]:
        """Those of keylease."""
        return (*self.workers, *self.intakes)

    @property
    def database(self) -> str:
        return self.postgres.url(DATABASE)

    @property
    def signing(self) -> Secret:
        """Proves messages on the bus."""
        return Secret(self.variables[SIGNING])

    def log_lines(self) -> list[tuple[str, str]]:
        """All that keylease's programs have said, each line with its speaker."""
        return [
            (program.name, line)
            for program in self.programs
            for line in program.log.read_text(errors="replace").splitlines()
        ]

    def store(self) -> Any:
        """A context with the store, to look things up in."""
        return open_postgres(Server(url=self.database))

    async def misbehave(self) -> None:
        """From now on the cloud has faults."""
        each = {"times": None, "probability": FAULTY / len(FAULTS)}
        await self.control("POST", "faults", [{**fault, **each} for fault in FAULTS])

    async def behave(self) -> None:
        await self.control("DELETE", "faults")

    async def control(self, method: str, what: str, document: object = None, /) -> Any:
        """Ask the emulator's control endpoint."""
        url, body = f"{self.cloud.url}/_emulator/{what}", json.dumps(document)
        async with self.session.request(method, url, data=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def all_ready(self) -> None:
        for program in (self.cloud, *self.programs):
            await program.ready.wait()


@asynccontextmanager
async def staged(crowd: Crowd, /, *, folder: Path, diary: Diary) -> AsyncIterator[Stage]:
    """Set it up in that folder, where its logs stay; everything ends with the context."""
    made = made_secrets()
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        nats = await stack.enter_async_context(nats_server())
        stack.callback(_keep_logs, folder, postgres=postgres, nats=nats)
        _, api = await stack.enter_async_context(slack_stand_in(token=made["DEMO_SLACK_BOT_TOKEN"]))
        receiver = await stack.enter_async_context(receiving(Secret(made["DEMO_SINK_SECRET"])))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=ANSWERS_WITHIN))
        cloud = _program(
            "emulator",
            crowd,
            {},
            folder,
            diary,
            "--world",
            str(HERE / "world.yaml"),
            role="emulator",
        )
        await stack.enter_async_context(_alive(cloud))
        await cloud.ready.wait()
        _write(folder, nats=nats)
        variables = made | {
            SIGNING: made["DEMO_SEALING_KEY"][::-1],
            "KEYLEASE_CONFIG": str(folder / "keylease.yaml"),
            "KEYLEASE_STORE": postgres.url(DATABASE),
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps(
                {"rocketmq": cloud.url, "r-kvstore": cloud.url}
            ),
            "KEYLEASE_SLACK__DEMO__UNSAFE_API_URL": api,
            "KEYLEASE_SINKS__EVENTS__URL": receiver.url,
        }
        workers, intakes = (
            tuple(
                _program(f"{role}-{n}", crowd, variables, folder, diary, role=role)
                for n in range(count)
            )
            for role, count in (("worker", crowd.workers), ("intake", crowd.intakes))
        )
        await stack.enter_async_context(_alive(*workers, *intakes))
        stage = Stage(
            folder, cloud, workers, intakes, nats, postgres, receiver, session, diary, variables
        )
        await stage.all_ready()
        yield stage


def _program(
    name: str,
    crowd: Crowd,
    variables: dict[str, str],
    folder: Path,
    diary: Diary,
    *words: str,
    role: str,
) -> Program:
    return Program(name, (crowd.module, role, *words), variables, folder / f"{name}.log", diary)


@asynccontextmanager
async def _alive(*programs: Program) -> AsyncIterator[None]:
    """Kept alive until the context is left; then they end, by force if they must."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(program.live()) for program in programs]
        try:
            yield
        finally:
            for program in programs:
                program.stop()
            _, late = await asyncio.wait(tasks, timeout=STOPS_WITHIN)
            for task in late:
                task.cancel()


def _write(folder: Path, /, *, nats: NatsServer) -> None:
    """The demo's settings, changed for many processes and another catalog."""
    write_files(folder)
    for name in ("catalog.yaml", "policy.yaml"):
        shutil.copy(HERE / name, folder)
    with (folder / "keylease.yaml").open("a", encoding="utf-8") as settings:
        settings.write("limits: {people: 0, machines: 0, addresses: 0}\n")
        settings.write(f'nats: {{servers: ["{nats.url}"], signing_secret: {{env: {SIGNING}}}}}\n')


def _keep_logs(folder: Path, *, postgres: PostgresServer, nats: NatsServer) -> None:
    for name, server in (("postgres", postgres.folder), ("nats", nats.folder)):
        shutil.copy(server / "log", folder / f"{name}.log")
