"""Says on the bus that something waits: a call of HTTP is answered, and delivers nothing itself.

A chat waits three seconds for its answer, and an instance may be frozen once it was given. The hint
is an event that a trigger hands to another function, whose invocation delivers. It is no more than
that: one that is lost costs the time until the timer's next minute.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from keylease.domain.events import Event
from keylease.errors import KeyleaseError
from keylease.hosts.front import front
from keylease.ports.sinks import Sink
from keylease.runtime.wiring import Keylease

log = structlog.get_logger(__name__)

WAITING = "io.keylease.outbox.waiting.v1"
"""No function consumes it: whoever is handed it ignores it, then delivers what waits."""
WITHIN = 1.0
"""Seconds that a hint may take from the answer."""


@dataclass(slots=True)
class Hints:
    """Where hints go."""

    keylease: Keylease
    _sinks: tuple[Sink, ...] | None = field(default=None, init=False)

    async def give(self) -> None:
        """Say it when it is so. Never fails."""
        try:
            async with asyncio.timeout(WITHIN):
                if await self._is_due():
                    await self._say()
        except (KeyleaseError, TimeoutError) as e:
            log.warning("fc.hint_lost", reason=str(e) or type(e).__name__)

    async def _is_due(self) -> bool:
        now = self.keylease.clock.now()
        return await self.keylease.store.lanes(before=now, limit=1) > 0

    async def _say(self) -> None:
        if self._sinks is None:
            from keylease.runtime.eventbridge import buses  # noqa: PLC0415  # few calls need it

            self._sinks = await buses(self.keylease.settings, parts=self.keylease.parts)
        ids, clock = self.keylease.ids, self.keylease.clock
        event = Event(id=ids.new("hint"), type=WAITING, subject="outbox", time=clock.now(), data={})
        for sink in self._sinks[:1]:
            await sink.deliver(event)


async def hinting_front(
    keylease: Keylease, /, *, more: Iterable[web.RouteDef] = ()
) -> web.Application:
    """What the process serves; whatever a call may have left behind is hinted at."""
    app, hints = await front(keylease, more=more), Hints(keylease)

    @web.middleware
    async def hinted(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.method == "POST":
            await hints.give()
        return response

    app.middlewares.append(hinted)
    return app
