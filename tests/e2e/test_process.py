"""`keylease serve` as a real process: it says that it is ready, takes commands, stops cleanly."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from keylease.cli.demo_stage import Stage, staged
from keylease.runtime.settings import environment
from tests.e2e.playing import eventually

START = "from keylease.cli.main import main; main()"
PATIENCE = 20.0


def command(stage: Stage, /, *arguments: str) -> tuple[list[str], dict[str, str]]:
    variables = {**environment(), **stage.variables, "KEYLEASE_CONFIG": str(stage.config)}
    return [sys.executable, "-c", START, *arguments], variables


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def run(stage: Stage, /, *arguments: str) -> Ran:
    """One command to its end."""
    words, variables = command(stage, *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *words, env=variables, cwd=stage.folder, stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def server(stage: Stage, /) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A serving process and its address."""
    words, variables = command(stage, "serve")
    process = await asyncio.create_subprocess_exec(
        *words,
        env=variables,
        cwd=stage.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            while not (line := (await process.stdout.readline()).decode()).startswith("ready "):
                assert line, "the server ended before it was ready"
        yield process, line.split()[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_sigterm_ends_it_with_status_0_and_nothing_unsaid() -> None:
    async with staged() as stage, server(stage) as (process, url):
        async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
            assert response.status == 200

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()

        lines = [json.loads(line) for line in out.decode().splitlines()]
        assert process.returncode == 0
        assert [line["event"] for line in lines][-2:] == ["serve.stopping", "serve.stopped"]


async def test_commands_act_while_it_serves() -> None:
    async with staged() as stage, server(stage):
        asked = await run(
            stage, "request", "cache-reader", "--as", "ana", "--for", "5m", "--because", "INC-8",
            "--wait", "10", "--json",
        )  # fmt: skip
        request_id = asked.json["request_id"]
        own = await run(stage, "approve", request_id, "--as", "ana")
        yes = await run(stage, "approve", request_id, "--as", "bo")

        active = await _status(stage, request_id, "active")
        ended = await run(stage, "release", request_id, "--as", "ana")
        over = await _status(stage, request_id, "ended")

        assert asked.json["request"]["status"] == "in_review"
        assert (own.code, yes.code, ended.code) == (1, 0, 0)
        assert "active" in active
        assert "ended" in over


async def test_an_approved_request_says_so_with_wait() -> None:
    async with staged() as stage, server(stage):
        words = ("request", "orders-consumer", "--as", "ana", "--for", "5m", "--because", "INC-9")

        asked = await run(stage, *words, "--wait", "10")

        assert asked.code == 0
        assert "approved: rule orders-read permits it" in asked.out


async def test_a_denied_request_exits_with_1() -> None:
    async with staged() as stage, server(stage):
        words = ("request", "payments-producer", "--as", "ana", "--for", "8h", "--because", "INC-9")

        asked = await run(stage, *words, "--wait", "10")

        assert asked.code == 1
        assert "a ticket is required; name it in the request" in asked.out


async def test_rotate_gives_a_standing_account_a_new_version() -> None:
    async with staged() as stage, server(stage):
        asked = await run(stage, "rotate", "cache-demo/svc_cache", "--as", "bo")

        assert asked.code == 0
        about = "cache-demo/svc_cache"
        await eventually(lambda: "credential.rotated" in stage.receiver.about(about))


async def test_doctor_finds_everything_in_order_and_then_what_is_not() -> None:
    async with staged() as stage:
        fine = await run(stage, "doctor")
        password = "Strange-passw0rd-1"
        stage.emulator.world.redis.all()  # the world is there before a stranger comes
        await _make_orphan(stage, "klabcdefghjkmn", password)

        wrong = await run(stage, "doctor", "--json")

        assert (fine.code, fine.err) == (0, "")
        assert "everything is in order" in fine.out
        assert wrong.code == 1
        (found,) = [one for one in wrong.json["findings"] if one["level"] == "problem"]
        assert found["check"] == "cache-demo: no account without a record (I1)"
        assert "klabcdefghjkmn" in found["message"]


async def _status(stage: Stage, request_id: str, word: str) -> str:
    async with asyncio.timeout(PATIENCE):
        while True:
            shown = await run(stage, "status", request_id, "--as", "ana")
            assert shown.code == 0
            if f"{request_id}: {word}" in shown.out:
                return shown.out


async def _make_orphan(stage: Stage, username: str, password: str) -> None:
    """An account with a name of ours that no record knows, as a lost database would leave it."""
    from pydantic import SecretStr  # noqa: PLC0415  # only here

    from keylease.emulator.world import RedisAccount  # noqa: PLC0415  # only here

    redis = stage.emulator.world.redis
    (instance,) = redis.all()
    account = RedisAccount(name=username, password=SecretStr(password))
    redis.put(instance.model_copy(update={"accounts": (*instance.accounts, account)}))
