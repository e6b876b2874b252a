"""Messages per second of the worker host, against bare nats-py, FastStream and taskiq."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial

from keylease.runtime.logging import configure_logging
from tests.benchmarks.lease import nowhere
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.report import Report, Row
from tests.benchmarks.worker_sides import (
    Send,
    Side,
    bare,
    faststream,
    keylease,
    parcel,
    taskiq,
)
from tests.support.nats_server import NatsServer, nats_server

OURS, SAYING, BARE = "keylease", "keylease with its log", "bare nats-py"
SENDERS = 16
SIDES: dict[str, Callable[[NatsServer], AbstractAsyncContextManager[Side]]] = {
    OURS: keylease,
    BARE: bare,
    "FastStream": faststream,
    "taskiq": taskiq,
}
METHOD = """\
One process sends messages through JetStream to itself, 16 senders at once, each waiting for the \
server's word that it has the message; it takes them with a durable pull consumer, 16 in hand, \
calls a function that only counts, and acknowledges each. Ours is the worker host as it is: \
signed messages, heartbeats, one task per message, and the process that runs functions, over a \
store whose commit does nothing. Bare is nats-py alone with the bytes and headers of ours, \
written before the clock runs and read by nobody; FastStream and taskiq read the event as the same \
model and sign nothing. All log from level `warning` on, that is nothing; the last row adds our \
line per message, to /dev/null. One server, work-queue streams in files that it flushes by its \
timer. A round ends when the server has every acknowledgement. Wall time; the CPU time is that of \
the process."""


@dataclass(frozen=True, slots=True)
class Size:
    messages: int = 1_600
    rounds: int = 7


SMOKE = Size(messages=32, rounds=1)


async def sent(sends: Iterator[Send], /) -> None:
    for send in sends:
        await send()


def timed(
    side: Side, /, *, numbers: Iterator[int], size: Size, cpu: list[float], log: Callable[[], None]
) -> Arm:
    async def arm() -> float:
        log()
        sends = [side.ready(parcel(number)) for number in itertools.islice(numbers, size.messages)]
        side.tally.expect(size.messages)
        waiting = iter(sends)
        begun, used = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(sent(waiting))
        await side.settled()
        cpu.append((time.process_time() - used) / size.messages)
        return (time.perf_counter() - begun) / size.messages

    return arm


async def sampled(size: Size, /) -> tuple[Samples, Samples]:
    """Wall and CPU time of a message."""
    async with AsyncExitStack() as stack:
        log = partial(configure_logging, stream=stack.enter_context(nowhere()))
        log(level="warning")
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        server = await stack.enter_async_context(
            nats_server(jetstream=False, settings=f'jetstream {{ store_dir: "{folder}" }}\n')
        )
        sides = {
            name: await stack.enter_async_context(made(server)) for name, made in SIDES.items()
        }
        cpu: dict[str, list[float]] = {name: [] for name in (*sides, SAYING)}
        made = partial(timed, numbers=itertools.count(), size=size)
        quiet = partial(log, level="warning")
        arms = {name: made(side, cpu=cpu[name], log=quiet) for name, side in sides.items()}
        arms[SAYING] = made(sides[OURS], cpu=cpu[SAYING], log=partial(log, level="info"))
        return await interleaved(arms, rounds=size.rounds), Samples(cpu)


async def measure(size: Size = Size(), /) -> Report:  # frozen
    wall, cpu = await sampled(size)
    rows = [
        row(wall, cpu, of=OURS, to=BARE, goal="at least half", least=0.5),
        row(wall, cpu, of=OURS, to="FastStream", goal="ahead", least=1.0),
        row(wall, cpu, of=OURS, to="taskiq", goal="ahead", least=1.0),
        row(wall, cpu, of=SAYING, to=BARE, goal="none", least=None),
    ]
    return Report("worker", "Messages per second of the worker", METHOD, tuple(rows))


def row(wall: Samples, cpu: Samples, /, *, of: str, to: str, goal: str, least: float | None) -> Row:
    ratio = wall.ratio(to, to=of)
    mine, theirs = (
        f"{1 / wall.median(name):,.0f}/s ({cpu.median(name) * 1e6:.0f} µs of CPU)"
        for name in (of, to)
    )
    return Row(
        what=f"{of} against {to}, messages per second",
        goal=goal,
        measured=f"{ratio:.2f}x",
        is_met=None if least is None else ratio >= least,
        against=f"{mine} against {theirs}",
    )
