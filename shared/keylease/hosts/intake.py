"""The entrance host: doors, claim page, and the relay of what they leave; workers do the rest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from keylease.errors import Misconfigured
from keylease.hosts.local import (
    Served,
    address,
    answering,
    listening,
    located,
    stop_asked,
    turning,
)
from keylease.hosts.worker import ENTRANCES, looping
from keylease.runtime.bus import open_bus
from keylease.runtime.filling import Wrap, unwrapped
from keylease.runtime.settings import Settings
from keylease.runtime.wiring import running

log = structlog.get_logger(__name__)


@asynccontextmanager
async def taking_in(settings: Settings, /, *, wrap: Wrap = unwrapped) -> AsyncIterator[Served]:
    """Serve until the context is left, then stop cleanly.

    Raises:
        Misconfigured: there is no bus, or it is not what it must be.
    """
    if problem := settings.unreachable:
        raise Misconfigured(problem)
    with listening(settings) as listener:
        settings = located(settings, listener)
        async with AsyncExitStack() as stack:
            bus, wake = await stack.enter_async_context(open_bus(settings)), asyncio.Event()
            keylease = await stack.enter_async_context(
                running(
                    settings,
                    functions=ENTRANCES,
                    wrap=wrap,
                    wake=wake.set,
                    alarm=bus.alarm,
                    relays=True,
                )
            )
            loops = looping(keylease, wake, bus.transport)
            turns = {"relay": loops.relay, "gauges": loops.gauges}
            await stack.enter_async_context(turning(turns, stop=loops.stop, drain=settings.drain))
            await stack.enter_async_context(answering(keylease, listener))
            log.info("intake.ready", url=settings.base_url)
            yield Served(url=address(listener), keylease=keylease)
            log.info("intake.stopping", drain=settings.drain.total_seconds())
    log.info("intake.stopped")


async def take_in(settings: Settings, /, *, announce: Callable[[str], None]) -> None:
    """Run as a program: say where it listens, until SIGTERM or SIGINT."""
    stopped = stop_asked()
    async with taking_in(settings) as served:
        announce(f"ready {served.url}")
        await stopped.wait()
