"""The emulator as a context for tests and as a program."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from keylease.emulator.clock import EmulatorClock, wall_clock
from keylease.emulator.cloud import Cloud
from keylease.emulator.control import PREFIX, Control
from keylease.emulator.envelope import json_answer
from keylease.emulator.faults import Faults
from keylease.emulator.journal import Journal
from keylease.emulator.kvstore.settling import NoMirror, Settling
from keylease.emulator.live import Live
from keylease.emulator.metadata import Metadata
from keylease.emulator.redis_mirror import RedisMirror
from keylease.emulator.signature import Verifier
from keylease.emulator.site import Site, broken, respond
from keylease.emulator.wire import Wire
from keylease.emulator.world import World, default_world, load_world

log = logging.getLogger("keylease.emulator")


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, as its tests hold it."""

    cloud: Cloud
    site: Site

    @property
    def url(self) -> str:
        return self.site.url

    @property
    def world(self) -> Live:
        return self.cloud.live

    @property
    def faults(self) -> Faults:
        return self.cloud.faults

    @property
    def journal(self) -> Journal:
        return self.cloud.journal

    @property
    def clock(self) -> EmulatorClock:
        return self.cloud.clock

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """Nobody listens meanwhile: connections are refused, so nothing can have been done."""
        await self.site.close()
        try:
            yield
        finally:
            await self.site.open()


@dataclass(frozen=True, slots=True)
class Face:
    """Sends each HTTP request to the cloud, its control or its metadata."""

    cloud: Cloud
    control: Control
    metadata: Metadata

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            wire = Wire.received(
                method=request.method,
                target=request.raw_path,
                headers=request.headers.items(),
                body=await request.read(),
            )
            return await self._answered(request, wire=wire)
        except web.HTTPException as refused:  # aiohttp's own, for a body that is too large
            return respond(json_answer({"Code": refused.reason}, status=refused.status))

    async def _answered(self, request: web.BaseRequest, *, wire: Wire) -> web.StreamResponse:
        unsigned = self.metadata.answer(wire)
        if unsigned is None and wire.segments[:1] == (PREFIX,):
            unsigned = self.control.answer(wire, peer=request.remote)
        answer = unsigned or await self.cloud.answer(wire)
        return broken(request) if answer is None else respond(answer)


def build_cloud(
    world: World, *, mirror: RedisMirror | None, clock: EmulatorClock, seed: int
) -> Cloud:
    if mirror is not None:
        located = tuple(map(mirror.located, world.redis))
        world = world.model_copy(update={"redis": located})
    live = Live(world)
    return Cloud(
        live=live,
        clock=clock,
        faults=Faults(seed=seed),
        journal=Journal(),
        verifier=Verifier(keys=live.keys, codes=lambda: live.settings.codes, now=clock.now),
        settling=Settling(live, clock=clock, mirror=mirror or NoMirror()),
    )


@asynccontextmanager
async def running(
    *,
    world: World | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    redis_url: str | None = None,
    clock: Callable[[], datetime] = wall_clock,
    seed: int = 0,
) -> AsyncIterator[Emulator]:
    """Serve until the context is left; then every mirrored Redis user is gone again."""
    mirror = RedisMirror(redis_url) if redis_url else None
    if mirror is not None:
        await mirror.demand()
    cloud = build_cloud(
        world or default_world(), mirror=mirror, clock=EmulatorClock(clock), seed=seed
    )
    metadata = Metadata(live=cloud.live, now=cloud.clock.now)
    face = Face(cloud=cloud, control=Control(cloud), metadata=metadata)
    site = Site(face.respond, host=host, port=port)
    await site.open()
    try:
        async with _settling(cloud.settling):
            yield Emulator(cloud=cloud, site=site)
    finally:
        await site.close()


@asynccontextmanager
async def _settling(settling: Settling) -> AsyncIterator[None]:
    await settling.mirror_all()
    # Not a TaskGroup: a fixture may leave this context from another task than it entered.
    task = asyncio.create_task(settling.keep_settling())  # see above
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _take_back(settling)


async def _take_back(settling: Settling) -> None:
    try:
        await settling.unmirror_all()
    except OSError as unreachable:
        log.warning("emulator.mirror_unreachable %s", type(unreachable).__name__)


async def main_async(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    world_file: Path | None = None,
    redis_url: str | None = None,
) -> None:
    """Run as a program: say where it listens, serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    world = load_world(world_file) if world_file else None
    async with running(world=world, host=host, port=port, redis_url=redis_url) as emulator:
        sys.stdout.write(f"ready {emulator.url}\n")
        sys.stdout.flush()
        await stopped.wait()
