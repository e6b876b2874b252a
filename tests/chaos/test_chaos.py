"""Everything at once: processes, bus, database and cloud fail while people ask for access.

A failing run prints its seed and what was done to whom, and keeps all logs.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251  # seeded: a run can be had again

import pytest

from tests.chaos import checks
from tests.chaos.gremlin import Gremlin
from tests.chaos.load import Load
from tests.chaos.programs import Diary
from tests.chaos.stage import Crowd, Stage, staged
from tests.chaos.wishes import wishes
from tests.simulation.oracle import Shown

ENVIRON = os.environ  # noqa: TID251  # a switch of the test run
IS_LONG = ENVIRON.get("KEYLEASE_CHAOS") == "1"
SEED = int(ENVIRON.get("KEYLEASE_CHAOS_SEED") or secrets.randbelow(1_000_000))


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    crowd: Crowd
    requests: int
    at_once: int
    kills: int
    every: float
    pause: float
    patience: float
    """Seconds until rest, once nobody breaks anything any more."""

    @property
    def over(self) -> float:
        """Seconds in which everything is asked: as long as things break."""
        return self.kills * self.every


SHORT = Size(
    crowd=Crowd(workers=2, intakes=2, command=("-m", "tests.chaos.hasty")),
    requests=40,
    at_once=8,
    kills=4,
    every=1.0,
    pause=6.0,
    patience=60,
)
LONG = Size(
    crowd=Crowd(workers=4, intakes=2),
    requests=int(ENVIRON.get("KEYLEASE_CHAOS_REQUESTS") or 2000),
    at_once=16,
    kills=45,
    every=8.0,
    pause=50.0,
    patience=400,
)


@pytest.mark.timeout(960)
async def test_every_promise_holds_while_everything_fails(tmp_path: Path) -> None:
    size, dice, diary = LONG if IS_LONG else SHORT, Random(SEED), Diary()  # noqa: S311  # no secret
    try:
        async with staged(size.crowd, folder=tmp_path, diary=diary) as stage:
            await run(stage, size, dice=dice)
    except BaseExceptionGroup as e:
        raise cause(e) from None
    finally:
        head = f"KEYLEASE_CHAOS_SEED={SEED}, logs in {tmp_path}"
        sys.stdout.write("\n".join([head, *diary.lines, ""]))


async def run(stage: Stage, size: Size, /, *, dice: Random) -> None:
    """Ask, break, wait, look; then end what stays, and look again."""
    before = await checks.holdings(stage)
    load = Load(stage, Random(dice.random()), size.at_once)  # noqa: S311  # no secret
    gremlin = Gremlin(stage, dice, kills=size.kills, every=size.every, pause=size.pause)
    await stage.misbehave()
    async with meanwhile(load.react()):
        async with asyncio.TaskGroup() as group:
            calm = asyncio.Event()
            group.create_task(gremlin.meddle(until=calm))
            raging = group.create_task(gremlin.rage())
            await load.send(wishes(size.requests, dice=dice), over=size.over)
            await raging
            calm.set()
        stage.diary.note(f"all is sent; {gremlin.copies} copies; {dict(load.answers)}")
        await stage.behave()
        await checks.rests(stage, within=size.patience)
        stage.diary.note("rests")
        await look(stage, load, before=before)
        await load.release_all()
        await checks.rests(stage, within=size.patience)
        stage.diary.note("rests again")
        await look(stage, load, before=before)
    assert await checks.holdings(stage) == before


async def look(stage: Stage, load: Load, /, *, before: Shown) -> None:
    """Everything that must be true at rest."""
    async with stage.store() as store:
        found = await checks.look_up(store, load.made)
    checks.every_request_is_answered(found, load.made)
    checks.the_cloud_is_the_fold(await checks.holdings(stage), found, before=before)
    await checks.nothing_was_done_twice(stage, load.made)
    await checks.everything_was_delivered(stage)
    checks.told_in_order(stage, found)
    checks.nothing_fell_by_itself(stage)


@asynccontextmanager
async def meanwhile(work: Coroutine[object, object, None], /) -> AsyncIterator[None]:
    """Do it until the context is left."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def cause(e: BaseException, /) -> BaseException:
    """What failed first, without the groups of whatever failed because of it."""
    while isinstance(e, BaseExceptionGroup):
        e = e.exceptions[0]
    return e
