"""A receiver of events that is often slow, and sometimes sends away what it has taken or not."""

import asyncio
from dataclasses import dataclass, field
from random import Random  # noqa: TID251  # no secret

from aiohttp import web

from keylease.cli.demo_receiver import Receiver

DROPS = 0.04
FORGETS = 0.08
IS_SLOW = 0.3
"""Each up to which draw: every mood has a share."""
SLOWNESS = 0.3


@dataclass
class MoodyReceiver(Receiver):
    """Its sender must try again, keep the order, and not be surprised."""

    dice: Random = field(default_factory=Random)

    async def take(self, request: web.Request) -> web.Response:
        mood = self.dice.random()
        if mood < DROPS:
            return web.Response(status=503)
        if FORGETS < mood < IS_SLOW:
            await asyncio.sleep(self.dice.uniform(0, SLOWNESS))
        answer = await super().take(request)
        return web.Response(status=503) if DROPS < mood < FORGETS else answer
