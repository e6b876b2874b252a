"""A sample of the crash points as real processes: SIGKILL, a real file, real HTTP on loopback.

`test_every_point` shows in process that every point is survived. Here the process is real, and so
are the database that it leaves behind, the connections that break, and the start of the next one.
`KEYLEASE_LONG=1` takes every point that a run passes.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from keylease.adapters.memory.ids import SeededIds
from tests.crash.kill_crowd import BASELINE, CROWD, HELD, OWN, SERVICE, crowd, dies, rows_of
from tests.crash.kill_play import Play, playing
from tests.crash.kill_rest import holds
from tests.crash.points import Kind, Point, telling
from tests.e2e.playing import ANA, BO
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import PostgresServer

AT_ONCE = 6
"""Runs side by side: most of their time is waiting, for a dead process's turn or for an expiry."""
IS_LONG = os.environ.get("KEYLEASE_LONG") == "1"  # noqa: TID251  # a test's own switch
Script = Callable[[Play], Awaitable[str]]
Death = tuple[Script, Point, Kind]


async def dedicated(play: Play) -> str:
    """Ana reads a topic through an account of her own, and gives it back."""
    request_id = await play.asks("orders-consumer for 5m because INC-1", trigger="1.1")
    await play.claims(request_id)
    await play.says(ANA, f"release {request_id}", trigger="1.2")
    await play.told(ANA, request_id, "ended")
    return request_id


async def cache(play: Play) -> str:
    """Bo lets Ana look into the cache until her time is over."""
    request_id = await play.asks("cache-reader for 15s because INC-2", trigger="2.1")
    await play.told(BO, request_id)
    await play.says(BO, f"approve {request_id}", trigger="2.2")
    await play.claims(request_id)
    await play.told(ANA, request_id, "ended")
    return request_id


def sample() -> list[Death]:
    """One of each kind: inbox, approval, turn, intent, calls, proof, outbox, chat, claim, end."""
    before, after = Kind.BEFORE, Kind.AFTER
    create, drop = "Accounts.apply:CreateAccount", "Accounts.apply:DropAccount"
    return [
        (cache, Point("Store.commit:account+lease+request+slots+request.approved.v1", 0), after),
        (cache, Point("Store.commit:delivered", 2), before),
        (cache, Point("Store.commit:credential+lease.claimed.v1", 0), before),
        (cache, Point(drop, 0), after),
        (dedicated, Point("Store.commit:request+request.submitted.v1", 0), after),
        (dedicated, Point("Store.commit:account", 1), after),
        (dedicated, Point("Store.commit:account+credential+lease", 0), after),
        (dedicated, Point(create, 0), before),
        (dedicated, Point(create, 0), after),
        (dedicated, Point("Accounts.apply:PutRow", 0), after),
        (dedicated, Point("Store.commit:account+credential+lease+lease.activated.v1", 0), after),
        (dedicated, Point("Chat.tell", 1), after),
        (dedicated, Point("Store.commit:credential+lease.claimed.v1", 0), after),
        (dedicated, Point("Accounts.apply:Disable", 0), after),
        (dedicated, Point(drop, 0), after),
        (dedicated, Point("Store.commit:account+credential+lease+lease.ended.v1", 0), before),
    ]


async def killed(
    script: Script, point: Point, kind: Kind, *, server: PostgresServer | None = None
) -> None:
    """One run, in which the process dies there; on a database of that server when one is given."""
    try:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(empty_database(server)) if server else None
            play = await stack.enter_async_context(playing(armed=(point, kind), store=store))
            request_id = await script(play)
            await play.rests()
            assert play.deaths == 1, "the point was not passed"
            holds(play, request_id)
    except BaseException as e:
        e.add_note(f"{script.__name__}, {kind} {point}")
        raise


async def all_killed(deaths: list[Death], *, server: PostgresServer | None = None) -> int:
    """Each in a run of its own; how many of them did no harm."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(death: Death) -> None:
        async with places:
            await killed(*death, server=server)

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(one(death)) for death in deaths]
    return sum(run.exception() is None for run in runs)


async def test_a_killed_process_leaves_nothing_that_the_next_one_does_not_mend() -> None:
    deaths = sample()

    assert await all_killed(deaths) == len(deaths) == 16


async def test_nor_when_it_works_on_postgresql(postgres: PostgresServer) -> None:
    deaths = sample()[:: 1 if IS_LONG else 3]

    assert await all_killed(deaths, server=postgres) == len(deaths) >= 6


@pytest.mark.skipif(not IS_LONG, reason="many minutes: every point, each in a process of its own")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("script", [dedicated, cache])
async def test_a_process_may_be_killed_at_any_point(script: Script) -> None:
    async with playing() as play:
        await script(play)
        await play.rests()
    points = telling(play.workers[0].passed)
    assert len(points) > 40

    kinds = (Kind.BEFORE, Kind.AFTER)
    await all_killed([(script, point, kind) for point in points for kind in kinds])


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
@pytest.mark.parametrize("seed", range(8 if IS_LONG else 1))
async def test_one_of_two_processes_is_killed_while_both_work(
    seed: int, kind: str, postgres_url: str
) -> None:
    moment = 0.1 + 2.9 * SeededIds(seed).jitter()
    store = postgres_url if kind == "PostgreSQL" else None
    async with playing(count=2, prepare=crowd, store=store) as play:
        for worker in play.workers:
            await worker.ready.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(dies(play.workers[1], after=moment))
            asked = [
                group.create_task(play.asks(text, trigger=f"3.{n}", by=n % 2))
                for n, text in enumerate(CROWD)
            ]
            for one in asked:
                await play.told(ANA, await one, "is active")

        requests = [one.result() for one in asked]
        held = {row.key[1:]: set(row.actions) for row in rows_of(play, SERVICE)}
        for request_id in requests[:OWN]:
            await play.claims(request_id)
        for n, request_id in enumerate(requests):
            await play.says(ANA, f"release {request_id}", trigger=f"4.{n}")
        await play.rests()

        assert held == HELD
        assert play.deaths == 1
        assert len(play.shown) == OWN
        holds(play, *requests, rows=BASELINE)
