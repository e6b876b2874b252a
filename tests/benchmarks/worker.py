"""Messages per second of the worker host, against bare nats-py, FastStream and taskiq."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

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

OURS, BARE = "keylease", "bare nats-py"
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
signed messages, heartbeats, ids in every log line (JSON, to /dev/null), and the process that \
runs functions, on a store in memory, which is asked to forget a parcel that it never had: nothing \
is stored. Bare is nats-py alone with the bytes and headers of ours, made before; FastStream and \
taskiq read the event as the same model, sign nothing and log nothing. One server, work-queue \
streams in files that it flushes by its timer. Until the server has every acknowledgement. Wall \
time; the CPU time is that of the process."""


@dataclass(frozen=True, slots=True)
class Size:
    messages: int = 1_600
    rounds: int = 7


SMOKE = Size(messages=32, rounds=1)


async def sent(sends: Iterator[Send], /) -> None:
    for send in sends:
        await send()


def timed(side: Side, /, *, size: Size, cpu: list[float]) -> Arm:
    numbers = itertools.count()

    async def arm() -> float:
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
        configure_logging(stream=stack.enter_context(nowhere()))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        server = await stack.enter_async_context(
            nats_server(jetstream=False, settings=f'jetstream {{ store_dir: "{folder}" }}\n')
        )
        cpu: dict[str, list[float]] = {name: [] for name in SIDES}
        arms = {
            name: timed(await stack.enter_async_context(side(server)), size=size, cpu=cpu[name])
            for name, side in SIDES.items()
        }
        return await interleaved(arms, rounds=size.rounds), Samples(cpu)


async def measure(size: Size = Size(), /) -> Report:  # frozen
    wall, cpu = await sampled(size)
    goals = {BARE: (0.5, "at least half")} | dict.fromkeys(("FastStream", "taskiq"), (1.0, "ahead"))
    rows = tuple(
        row(wall, cpu, to=name, least=least, goal=goal) for name, (least, goal) in goals.items()
    )
    return Report("worker", "Messages per second of the worker", METHOD, rows)


def row(wall: Samples, cpu: Samples, /, *, to: str, least: float, goal: str) -> Row:
    ratio = wall.ratio(to, to=OURS)
    mine, theirs = (
        f"{1 / wall.median(name):,.0f}/s ({cpu.median(name) * 1e6:.0f} µs of CPU)"
        for name in (OURS, to)
    )
    return Row(
        what=f"messages per second against {to}",
        goal=goal,
        measured=f"{ratio:.2f}x",
        is_met=ratio >= least if to == BARE else ratio > least,
        against=f"{mine} against {theirs}",
    )
