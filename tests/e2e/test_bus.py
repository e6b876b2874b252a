"""`keylease intake` and `keylease worker` as real processes on a real bus; they end cleanly."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from keylease.cli.demo_stage import Stage, staged
from keylease.hosts.local import Served
from keylease.runtime.wiring import running
from tests.e2e.playing import ANA, OfficialSlack, Play
from tests.e2e.test_process import PATIENCE, command, run
from tests.support.bus import SIGNING
from tests.support.nats_server import NatsServer, nats_server

Process = asyncio.subprocess.Process


@dataclass(frozen=True, slots=True)
class Site:
    """A stage, a bus, and programs on them."""

    stage: Stage
    bus: NatsServer
    variables: Mapping[str, str] = field(repr=False)

    @asynccontextmanager
    async def program(self, *words: str, **more: str) -> AsyncIterator[tuple[Process, str]]:
        """One process, and what it says of itself once it is ready."""
        line, variables = command(self.stage, *words)
        process = await asyncio.create_subprocess_exec(
            *line,
            env={**variables, **self.variables, **more},
            cwd=self.stage.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                while not (said := (await process.stdout.readline()).decode()).startswith("ready"):
                    assert said, "it ended before it was ready"
            yield process, said.removeprefix("ready").strip()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with staged() as stage, nats_server() as bus:
        variables = {
            "KEYLEASE_NATS__SERVERS": json.dumps([bus.url]),
            "KEYLEASE_NATS__SIGNING_SECRET": SIGNING.reveal(),
        }
        yield Site(stage, bus, variables)


async def stopped(process: Process) -> list[str]:
    """The names of its log lines after a SIGTERM; it ends with status 0."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line)["event"] for line in out.decode().splitlines()]


async def test_a_lease_lives_over_processes_that_end_cleanly(site: Site) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        intake, url = await stack.enter_async_context(site.program("intake", "--port", "0"))
        first, _ = await stack.enter_async_context(site.program("worker"))
        second, _ = await stack.enter_async_context(
            site.program("worker", "--functions", "decide,converge")
        )
        secret = site.stage.variables["DEMO_SLACK_SIGNING_SECRET"]
        slack = OfficialSlack(url=url, secret=secret, session=session)
        keylease = await stack.enter_async_context(running(site.stage.settings(), functions=()))
        play = Play(site.stage, Served(url=url, keylease=keylease), slack, session)

        request_id = await play.asks("orders-consumer for 5m because INC-1")
        await play.told(ANA, request_id, "is active")
        halves = [await stopped(second), await stopped(first)]
        await slack.types(ANA, f"release {request_id}")  # taken in while nobody works
        async with site.program("worker") as (third, _):
            await play.told(ANA, request_id, "ended")
            assert (await stopped(third))[-1] == "worker.stopped"

        assert [half[-1] for half in halves] == ["worker.stopped", "worker.stopped"]
        assert "serve.cut_short" not in halves[0] + halves[1]
        assert (await stopped(intake))[-1] == "intake.stopped"


async def test_a_worker_says_that_it_is_healthy(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"127.0.0.1:{found.getsockname()[1]}"
    async with (
        site.program("worker", KEYLEASE_HEALTH=address) as (process, _),
        aiohttp.ClientSession() as session,
    ):
        statuses = {}
        for path in ("/healthz", "/readyz", "/hooks/slack/demo", "/claim/x"):
            async with session.get(f"http://{address}{path}") as response:
                statuses[path] = response.status

        assert statuses == {
            "/healthz": 200,
            "/readyz": 200,
            "/hooks/slack/demo": 405,
            "/claim/x": 404,
        }
        assert (await stopped(process))[-1] == "worker.stopped"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("worker",), "nats: is not set; set nats.servers, or run everything by `keylease serve`"),
        (("intake", "--port", "0"), "nats: is not set; set nats.servers"),
        (("worker", "--functions", "decide,claim"), "no worker runs claim; choose of converge"),
        (("worker", "--functions", ","), "no worker runs nothing; choose of converge"),
    ],
)
async def test_what_cannot_start_says_why(words: tuple[str, ...], said: str) -> None:
    async with staged() as stage:
        ran = await run(stage, *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
