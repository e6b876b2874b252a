"""keylease as a program that kills itself with SIGKILL at one crash point.

    python -m tests.crash.child [NAME NTH before|after]

It is the real local host; only the points around its ports are added. At a clean end it says which
points it has passed.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import functions.converge.handler
import functions.rotate.handler
import keylease.domain.post
import keylease.turn
from keylease.hosts.local import serving
from keylease.ports.sinks import Sink
from keylease.runtime.logging import configure_logging
from keylease.runtime.settings import read_settings
from tests.crash.points import Killed, Kind, Point, Tracked, Tracker

TURN = timedelta(seconds=3)
CALLS = timedelta(seconds=2)
SAYING = timedelta(seconds=3)


class Killer(Tracker):
    """Where the tracker says that the process died, it does."""

    async def around(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await Tracker.around(self, name, call)
        except Killed:
            os.kill(os.getpid(), signal.SIGKILL)
            raise


def hurry() -> None:
    """Let a dead process's turn end soon: a test cannot wait 45 s of real time for each death."""
    keylease.turn.TURN = TURN
    keylease.domain.post.SAYING = SAYING
    for module in (functions.converge.handler, functions.rotate.handler):
        vars(module).update(TURN=TURN, CALLS=CALLS)  # what they imported


def armed_by(words: Sequence[str], /) -> tuple[Point, Kind] | None:
    if not words:
        return None
    name, nth, kind = words
    return Point(name, int(nth)), Kind(kind)


async def main(words: Sequence[str], /) -> None:
    """Serve until SIGTERM, or until the point."""
    configure_logging(stream=sys.stderr)
    hurry()
    tracker = Killer(armed=armed_by(words))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with serving(read_settings(), wrap=tracker.wrap) as served:
        sinks = cast("dict[str, Sink]", served.keylease.process.sinks)  # wrap knows ports only
        sinks.update({name: Tracked(sink, Sink, tracker) for name, sink in sinks.items()})
        say(f"ready {served.url}")
        await stopped.wait()
    say(json.dumps([[point.name, point.nth] for point in tracker.passed]))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))  # noqa: TID251  # a program of its own
