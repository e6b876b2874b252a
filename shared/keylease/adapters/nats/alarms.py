"""Alarms: messages that the server delivers at an instant, so that no timer has to be quick.

They are hints. Nobody waits for their acknowledgement, and one that is lost costs the time until
the next turn of the timer. All alarms of one second are one message.
"""

import math
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.errors import translated
from keylease.adapters.nats.pull import Pull, pulling
from keylease.errors import KeyleaseError

SCHEDULE = "Nats-Schedule"
TARGET = "Nats-Schedule-Target"
REMEMBERED = 4096
"""Seconds that were set by this process, so as not to set them again."""


@dataclass(slots=True)
class NatsAlarm:
    """Keeps `ports.transport.Alarm`."""

    jet: Jet
    waiting: "OrderedDict[int, None]" = field(default_factory=OrderedDict)

    async def set(self, at: datetime, /) -> None:
        second = math.ceil(at.timestamp())
        if second in self.waiting or not self.jet.is_there:
            return
        self.waiting[second] = None
        if len(self.waiting) > REMEMBERED:
            self.waiting.popitem(last=False)
        when = datetime.fromtimestamp(second, UTC)
        headers = {SCHEDULE: f"@at {when:%Y-%m-%dT%H:%M:%SZ}", TARGET: self.jet.layout.rings}
        with suppress(KeyleaseError), translated():  # a hint
            await self.jet.client.publish(self.jet.layout.alarm_subject(second), headers=headers)

    @asynccontextmanager
    async def ringing(self) -> AsyncIterator["NatsBell"]:
        stream = self.jet.layout.timer
        bell = self.jet.layout.bell()
        await self.jet.ensure_consumer(stream, bell)
        async with pulling(self.jet.client, stream=stream, consumer=str(bell.durable_name)) as pull:
            yield NatsBell(self.jet, pull)


@dataclass(frozen=True, slots=True)
class NatsBell:
    """Keeps `ports.transport.Bell`."""

    jet: Jet
    pull: Pull

    async def mend(self) -> None:
        await self.jet.ensure_streams()
        await self.jet.ensure_consumer(self.jet.layout.timer, self.jet.layout.bell())

    async def rung(self) -> bool:
        return bool(await self.pull.take(1))
