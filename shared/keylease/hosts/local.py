"""The local host: all functions in one process and on one loop: HTTP, timer, outbox.

It stops in order: no new calls, then the event in hand, then the store. What is left in the outbox
is delivered by the next start.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web

from keylease.errors import Misconfigured
from keylease.hosts.front import front
from keylease.ports.store import Parcel
from keylease.ports.transport import Transport
from keylease.runtime.filling import Wrap, unwrapped
from keylease.runtime.gauges import say_state
from keylease.runtime.process import Process
from keylease.runtime.relay import Relay, first, guarded
from keylease.runtime.settings import Settings, bracketed
from keylease.runtime.wiring import Keylease, running

log = structlog.get_logger(__name__)

Turn = Callable[[], Coroutine[None, None, None]]
HandOver = Callable[[Parcel], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Served:
    """A keylease that answers."""

    url: str
    keylease: Keylease


@dataclass(frozen=True, slots=True)
class Loops:
    """Timer, relay and gauges. `wake` is set by commits that left something to deliver."""

    process: Process
    every: timedelta
    wake: asyncio.Event
    measure: timedelta | None = None
    """How often the state is said in numbers, when anybody collects them."""
    hand_over: HandOver | None = None
    """What is done with a parcel; left out: the process delivers it."""
    transport: Transport | None = None
    """The bus, whose state is said too."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def relay(self) -> None:
        """Deliver until a stop is asked for."""
        relay = Relay(process=self.process, wake=self.wake, hand_over=self.hand_over)
        await relay.run(until=self.stopping)

    async def sweep(self) -> None:
        """Look for what is due, at once and then again and again."""
        while not self.stopping.is_set():
            await guarded("sweep", self.process.tick, default=None)
            await first(self.stopping, within=self.every)

    async def gauges(self) -> None:
        """Say what stands in the store, again and again."""
        commits = self.process.commits
        while self.measure is not None and not self.stopping.is_set():
            say = partial(say_state, commits.store, clock=commits.clock, transport=self.transport)
            await guarded("gauges", say, default=None)
            await first(self.stopping, within=self.measure)

    def stop(self) -> None:
        """Let both end after what they have in hand."""
        self.stopping.set()
        self.wake.set()


@asynccontextmanager
async def serving(settings: Settings, /, *, wrap: Wrap = unwrapped) -> AsyncIterator[Served]:
    """Serve until the context is left, then stop cleanly."""
    if problem := settings.unreachable:
        raise Misconfigured(problem)
    with listening(settings) as listener:
        settings = located(settings, listener)
        async with AsyncExitStack() as stack:
            wake = asyncio.Event()
            keylease = await stack.enter_async_context(running(settings, wrap=wrap, wake=wake.set))
            loops = Loops(
                process=keylease.process,
                every=settings.sweep_every,
                wake=wake,
                measure=settings.telemetry.every if settings.telemetry else None,
            )
            turns = {"relay": loops.relay, "sweep": loops.sweep, "gauges": loops.gauges}
            await stack.enter_async_context(turning(turns, stop=loops.stop, drain=settings.drain))
            await stack.enter_async_context(answering(keylease, listener))
            log.info("serve.ready", url=settings.base_url)
            yield Served(url=address(listener), keylease=keylease)
            log.info("serve.stopping", drain=settings.drain.total_seconds())
    log.info("serve.stopped")


async def serve(settings: Settings, /, *, announce: Callable[[str], None]) -> None:
    """Run as a program: say where it listens, serve until SIGTERM or SIGINT."""
    stopped = stop_asked()
    async with serving(settings) as served:
        gc.freeze()  # what was loaded stays: a full collection need not look at it again
        announce(f"ready {served.url}")
        await stopped.wait()


def stop_asked() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def listening(settings: Settings, /) -> socket.socket:
    """The socket, bound before anything else: links need to know its port.

    Raises:
        Misconfigured: the address is taken or is not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as e:
        msg = (
            f"cannot listen on {settings.host}:{settings.port} ({e.strerror}); "
            "stop what listens there, or choose another --port"
        )
        raise Misconfigured(msg) from e


def address(listener: socket.socket, /) -> str:
    """Where it can be reached on this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://{bracketed(host)}:{port}"


def located(settings: Settings, listener: socket.socket, /) -> Settings:
    """Settings that know the port that was found."""
    return settings.model_copy(update={"port": listener.getsockname()[1]})


@asynccontextmanager
async def turning(
    turns: Mapping[str, Turn], /, *, stop: Callable[[], None], drain: timedelta
) -> AsyncIterator[None]:
    """All loops; at the end they may finish what they have in hand, for a while."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(turn(), name=name) for name, turn in turns.items()}
        try:
            yield
        except Exception as e:  # noqa: BLE001  # raised again outside: a group would wrap it
            failure = e
        finally:
            stop()
            _, late = await asyncio.wait(tasks, timeout=drain.total_seconds())
            for task in late:
                log.warning("serve.cut_short", task=task.get_name())
                task.cancel()
    if failure is not None:
        raise failure


@asynccontextmanager
async def answering(keylease: Keylease, listener: socket.socket, /) -> AsyncIterator[None]:
    """Serve what its functions have to serve."""
    app = await front(keylease)
    runner = web.AppRunner(
        app,
        access_log=None,  # a path may be a capability
        auto_decompress=False,
        shutdown_timeout=keylease.settings.drain.total_seconds(),
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
