"""The local host: it turns, it survives faults, it stops in order."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from structlog.testing import capture_logs

from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.account import Account
from keylease.errors import Misconfigured
from keylease.hosts.local import Loops, listening, located, serving
from keylease.ports.store import Store
from keylease.runtime.logging import bound, bound_now
from keylease.runtime.process import Process
from keylease.runtime.settings import Settings, read_settings

TICK = timedelta(seconds=0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_files(tmp_path)
    variables = made_secrets() | {"KEYLEASE_SINKS__EVENTS__URL": "http://127.0.0.1:9/events"}
    return read_settings(tmp_path / "keylease.yaml", variables=variables)


@dataclass(slots=True)
class Scripted:
    """As much of a process as the timer sees."""

    faults: list[Exception] = field(default_factory=list)
    on_tick: Callable[[], Awaitable[None]] | None = None
    ticks: int = 0

    async def tick(self) -> None:
        self.ticks += 1
        if self.on_tick:
            await self.on_tick()
        if self.faults:
            raise self.faults.pop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # the scripted process has no event to wait for
            await asyncio.sleep(0.005)


@asynccontextmanager
async def sweeping(process: Scripted) -> AsyncIterator[None]:
    loops = Loops(process=cast("Process", process), every=TICK, wake=asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(loops.sweep())
        yield
        loops.stop()


async def test_the_sweep_looks_at_once_and_again() -> None:
    process = Scripted()

    async with sweeping(process):
        await until(lambda: process.ticks >= 3)

    assert process.ticks >= 3


async def test_a_fault_is_logged_and_the_next_turn_tries_again() -> None:
    process = Scripted(faults=[OSError("disk")])

    with capture_logs() as logs:
        async with sweeping(process):
            await until(lambda: process.ticks == 2)

    assert [line["event"] for line in logs] == ["serve.turn_failed"]


async def test_a_stop_lets_the_turn_in_hand_finish() -> None:
    finished = asyncio.Event()

    async def slow() -> None:
        await asyncio.sleep(0.05)
        finished.set()

    process = Scripted(on_tick=slow)

    async with sweeping(process):
        await until(lambda: process.ticks == 1)

    assert finished.is_set()
    assert process.ticks == 1


async def test_nothing_bound_in_one_turn_is_seen_in_the_next() -> None:
    seen: list[dict[str, Any]] = []

    async def binds() -> None:
        seen.append(dict(bound_now()))
        with bound(request_id="req-1"):
            await asyncio.sleep(0)
            raise OSError

    with capture_logs():
        async with sweeping(Scripted(on_tick=binds)):
            await until(lambda: len(seen) == 2)

    assert seen[:2] == [{}, {}]


async def test_it_answers_health_and_readiness(settings: Settings) -> None:
    async with (
        serving(settings) as served,
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}/healthz") as healthy,
        session.get(f"{served.url}/readyz") as ready,
    ):
        assert (healthy.status, ready.status) == (200, 200)


class Unanswering:
    """A store whose disk is gone as far as questions about parked events go."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def parked(self, *, limit: int) -> None:
        raise OSError(limit)


async def test_it_is_not_ready_when_the_store_does_not_answer(settings: Settings) -> None:
    def wrap(kind: type, part: Any, /) -> Any:
        return Unanswering(part) if kind is Store else part

    async with (
        serving(settings, wrap=wrap) as served,
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}/readyz") as ready,
    ):
        assert ready.status == 503


async def test_links_lead_to_the_port_that_was_found(settings: Settings) -> None:
    async with serving(settings) as served:
        assert served.keylease.settings.base_url == served.url


async def test_a_public_url_stays_what_it_is(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://keylease.example.com"})

    async with serving(public) as served:
        assert served.keylease.settings.base_url == "https://keylease.example.com"


async def test_after_the_end_nobody_listens(settings: Settings) -> None:
    async with serving(settings) as served:
        url = served.url

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{url}/healthz")


async def test_listening_for_others_needs_an_address_for_links(settings: Settings) -> None:
    public = settings.model_copy(update={"host": "0.0.0.0"})  # noqa: S104  # refused, not bound

    with pytest.raises(Misconfigured, match="public_url: is not set"):
        async with serving(public):
            pass


async def test_a_taken_port_is_told_in_words(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = located(settings, other)
        with pytest.raises(Misconfigured, match=r"cannot listen on .*; stop what listens there"):
            listening(taken)


async def test_what_goes_wrong_inside_comes_out_as_it_is(settings: Settings) -> None:
    with pytest.raises(LookupError):
        async with serving(settings):
            raise LookupError


async def test_a_start_that_fails_leaves_nothing_behind(settings: Settings) -> None:
    bare = settings.model_copy(update={"sealing": None})

    with pytest.raises(Misconfigured):
        async with serving(bare):
            pass

    async with (
        serving(settings) as served,  # the store is free for the next start
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}/readyz") as ready,
    ):
        assert ready.status == 200


async def test_a_tick_enrols_the_standing_accounts(settings: Settings) -> None:
    async with serving(settings) as served:
        store, found = served.keylease.store, None
        for _ in range(200):
            found = found or await store.load(Account, "cache-demo/svc_cache")
            await asyncio.sleep(0 if found else 0.02)

    assert found is not None
    assert found.rotate_at is not None
