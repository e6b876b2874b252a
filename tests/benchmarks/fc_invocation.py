"""What the built-in runtime of Function Compute adds to a handler."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.cloudevent import as_cloudevent
from keylease.domain.events import Event, RequestSubmitted
from keylease.hosts.fc.builtin import Entry
from keylease.runtime.logging import configure_logging
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import Keylease, running
from tests.benchmarks.lease import nowhere
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.report import Report, Row
from tests.support.build import NOW

GOAL = 0.0002
"""Seconds."""
PUBLIC = "https://keylease.example.com"
EVENT = Event.of(RequestSubmitted(request_id="req-none"), id="evt-1", time=NOW)
METHOD = """\
decide and a request that is not there: one read of the SQLite store, and nothing to commit. The \
bare handler is awaited with an event on a loop that runs. The invocation is \
`handler(event: bytes, context)`, called from a thread without a loop, as the runtime does: bytes \
into a typed event, the loop started and stopped, one log line (to /dev/null), one look at \
the outbox, the answer as JSON. Invocations follow each other, as they do on an instance. The \
goal is held to wall time, which grows with whatever else runs on the machine. The \
overhead is the median over the rounds of one round's difference."""
Clock = Callable[[], float]
CLOCKS: Mapping[str, Clock] = {"wall": time.perf_counter, "CPU": time.process_time}


@dataclass(frozen=True, slots=True)
class Size:
    calls: int = 300
    rounds: int = 15


SMOKE = Size(calls=3, rounds=1)


@dataclass(frozen=True, slots=True)
class Sides:
    """The same function twice, on one store."""

    keylease: Keylease
    entry: Entry

    def bare(self, calls: int, /, *, clock: Clock) -> Arm:
        handler = self.keylease.process.functions["decide"].handler

        async def arm() -> float:
            begun = clock()
            for _ in range(calls):
                await handler(EVENT)  # type: ignore[misc]  # all but intake are coroutines
            return (clock() - begun) / calls

        return arm

    def invoked(self, calls: int, /, *, clock: Clock) -> Arm:
        payload = json.dumps(as_cloudevent(EVENT, source=PUBLIC)).encode()

        def invocations() -> float:
            begun = clock()
            for _ in range(calls):
                answer = self.entry.handler(payload, None)
            taken = (clock() - begun) / calls
            assert answer == '{"done": 1, "calm": true}', answer
            return taken

        async def arm() -> float:
            return await asyncio.to_thread(invocations)

        return arm


@asynccontextmanager
async def sides() -> AsyncIterator[Sides]:
    async with AsyncExitStack() as stack:
        configure_logging(stream=stack.enter_context(nowhere()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        write_files(folder)
        sink = {"KEYLEASE_SINKS__EVENTS__URL": "http://127.0.0.1:9/events"}
        variables = {**made_secrets(), **sink, "KEYLEASE_PUBLIC_URL": PUBLIC}
        settings = read_settings(folder / "keylease.yaml", variables=variables)
        bare = running(settings, functions=("decide",), variables=variables)
        entry = Entry("decide", settings=settings, variables=variables)
        stack.push_async_callback(asyncio.to_thread, entry.pre_stop, None)
        yield Sides(await stack.enter_async_context(bare), entry)


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with sides() as both:
        arms = {
            f"{side} {name}": make(size.calls, clock=clock)
            for name, clock in CLOCKS.items()
            for side, make in (("bare", both.bare), ("invoked", both.invoked))
        }
        for arm in arms.values():
            await arm()  # opens the entry, fills caches
        samples = await interleaved(arms, rounds=size.rounds)
    title = "Overhead of an invocation on Function Compute"
    rows = tuple(_row(samples, clock=name) for name in CLOCKS)
    return Report("fc_invocation", title, METHOD, rows)


def _row(samples: Samples, /, *, clock: str) -> Row:
    invoked, bare = f"invoked {clock}", f"bare {clock}"
    pairs = zip(samples.of[invoked], samples.of[bare], strict=True)
    overhead = median(a - b for a, b in pairs)
    whole, part = (samples.median(arm) * 1e6 for arm in (invoked, bare))
    has_goal = clock == "wall"
    return Row(
        what=f"on top of decide's handler, {clock} time",
        goal=f"at most {GOAL * 1e3:.1f} ms" if has_goal else "none",
        measured=f"{overhead * 1e3:.3f} ms",
        is_met=overhead <= GOAL if has_goal else None,
        against=f"{whole:.0f} µs against {part:.0f} µs",
    )
