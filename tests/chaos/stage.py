"""The stage of a chaos run: real servers, the cloud and keylease as processes of their own."""

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
from tests.chaos.moody import MoodyReceiver
from tests.chaos.programs import Diary, Program, alive
from tests.support.nats_server import NatsServer, nats_server
from tests.support.postgres_server import PostgresServer, postgres_server

HERE = Path(__file__).parent
SIGNING = "CHAOS_SIGNING_SECRET"
DATABASE = "postgres"
PRODUCTS = ("rocketmq", "r-kvstore")
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
    command: tuple[str, ...] = ("-c", "from keylease.cli.main import main; main()")
    """The command line, as Python is given it."""


@dataclass(slots=True)
class Stage:
    """Everything that a run works with, and may break."""

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


@asynccontextmanager
async def staged(crowd: Crowd, /, *, folder: Path, diary: Diary) -> AsyncIterator[Stage]:
    """Set it up in that folder, where its logs stay; everything ends with the context."""

    def program(role: str, number: int, *words: str) -> Program:
        name = f"{role}-{number}"
        command = (*crowd.command, role, *words)
        return Program(name, command, variables, folder / f"{name}.log", diary)

    variables = made_secrets()
    variables[SIGNING] = variables["DEMO_SEALING_KEY"][::-1]
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        nats = await stack.enter_async_context(nats_server())
        stack.callback(_keep_logs, folder, postgres=postgres, nats=nats)
        token, secret = variables["DEMO_SLACK_BOT_TOKEN"], Secret(variables["DEMO_SINK_SECRET"])
        _, slack = await stack.enter_async_context(slack_stand_in(token=token))
        receiver = await stack.enter_async_context(receiving(secret, kind=MoodyReceiver))
        session = aiohttp.ClientSession(timeout=ANSWERS_WITHIN)
        await stack.enter_async_context(session)
        cloud = program("emulator", 0, "--world", str(HERE / "world.yaml"))
        await stack.enter_async_context(alive(cloud))
        _write(folder, nats=nats)
        variables |= {
            "KEYLEASE_CONFIG": str(folder / "keylease.yaml"),
            "KEYLEASE_STORE": postgres.url(DATABASE),
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps(dict.fromkeys(PRODUCTS, cloud.url)),
            "KEYLEASE_SLACK__DEMO__UNSAFE_API_URL": slack,
            "KEYLEASE_SINKS__EVENTS__URL": receiver.url,
        }
        workers = tuple(program("worker", n) for n in range(crowd.workers))
        intakes = tuple(program("intake", n) for n in range(crowd.intakes))
        await stack.enter_async_context(alive(*workers, *intakes))
        yield Stage(cloud, workers, intakes, nats, postgres, receiver, session, diary, variables)


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
