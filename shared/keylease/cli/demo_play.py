"""Playing the demo: sets the stage, serves on it, tells the story, counts the promises."""

import asyncio
import sys
import time
from datetime import timedelta
from typing import TextIO

from keylease.cli.demo_people import Person
from keylease.cli.demo_stage import Stage, grow_old, staged
from keylease.cli.demo_story import Story
from keylease.cli.demo_timeline import Timeline, Unkept
from keylease.domain.secret import Secret
from keylease.hosts.local import Served, serving
from keylease.ports.http import Http
from keylease.runtime.logging import configure_logging

ROTATES_AFTER = timedelta(seconds=14)
LONGEST = 55.0
ANA = "U0ANA0001"
BO = "U0BO00001"


async def play(logs: TextIO, /) -> int:
    """How many promises were not kept."""
    configure_logging(stream=logs)
    timeline = Timeline(write=_write, now=time.monotonic)
    timeline.start()
    try:
        async with asyncio.timeout(LONGEST):
            await _on_stage(timeline)
    except Unkept as e:
        timeline.title(f"The demo ends early: {e}")
    except TimeoutError:
        timeline.broken.append("the demo takes less than a minute")
        timeline.title(f"The demo ends: it took longer than {LONGEST:.0f} s")
    if timeline.broken:
        timeline.title("keylease's own log lines tell more: keylease demo --logs FILE")
    verdict = f"{timeline.kept} promises kept, {len(timeline.broken)} broken"
    timeline.title(f"{verdict}, in {time.monotonic() - timeline.began:.0f} s.")
    return len(timeline.broken)


async def _on_stage(timeline: Timeline) -> None:
    timeline.title("keylease demo: a local cloud, a real Redis server, a local Slack")
    async with staged() as stage:
        await grow_old(stage.settings(), rotates_in=ROTATES_AFTER)
        timeline.tell(f"the cloud answers at {stage.emulator.url}, Redis at {stage.redis.url}")
        async with serving(stage.settings()) as served:
            timeline.tell(f"keylease answers at {served.url}")
            ana = await person(ANA, stage=stage, served=served)
            bo = await person(BO, stage=stage, served=served)
            await Story(stage=stage, timeline=timeline, ana=ana, bo=bo).play()
    timeline.tell("keylease has stopped; nothing is left running")


async def person(user: str, /, *, stage: Stage, served: Served) -> Person:
    """Somebody who talks to this keylease through the local Slack."""
    return Person(
        user=user,
        url=served.url,
        secret=Secret(stage.variables["DEMO_SLACK_SIGNING_SECRET"]),
        http=await served.keylease.parts.get(Http),
        clock=served.keylease.clock,
        ids=served.keylease.ids,
    )


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
