"""The outbox in front of a bus: functions' parcels are sent, the others delivered from here.

A parcel that was sent stays in the outbox and is only put off: the commit of what it causes
forgets it. So its lane keeps its order whoever works on it, and what the bus loses is sent again.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from keylease.errors import Misconfigured, ProviderRefused, ProviderTransient
from keylease.ports.store import Parcel
from keylease.ports.transport import Bell, Queue, Transport
from keylease.runtime.process import LONGEST_WAIT, Process, about

log = structlog.get_logger(__name__)

FUNCTION = "function:"
RESEND = timedelta(minutes=1)
"""What was sent and caused nothing so long is sent again; later less and less often."""
AWAY = timedelta(seconds=1)
"""Pause of one delivery when the bus is away."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What a relay does with each parcel where workers listen to a bus."""

    process: Process
    transport: Transport
    mending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def deliver(self, parcel: Parcel, /) -> None:
        """Send it, or hand it over when it is for no function."""
        if not parcel.outgoing.destination.startswith(FUNCTION):
            await self.process.deliver(parcel)
            return
        with about(parcel):
            try:
                await self.transport.send(parcel)
            except ProviderTransient as e:
                log.warning("event.unsent", reason=str(e))
                await self._mend()
            except ProviderRefused as e:
                await self._park(parcel, reason=str(e))
            else:
                await self._put_off(parcel)

    async def _put_off(self, parcel: Parcel) -> None:
        until = self.process.commits.clock.now() + resend_after(parcel.attempts)
        await self.process.commits.store.postpone(parcel, until=until)

    async def _park(self, parcel: Parcel, *, reason: str) -> None:
        log.error("event.parked", destination=parcel.outgoing.destination, reason=reason)
        now = self.process.commits.clock.now()
        await self.process.commits.store.park(parcel, reason=reason, at=now)

    async def _mend(self) -> None:
        """The parcel keeps its place; before it is tried again, see that the bus is whole."""
        await asyncio.sleep(AWAY.total_seconds())
        if self.mending.locked():
            return
        async with self.mending:
            await mended(self.transport)


async def mended(lost: Transport | Queue | Bell, /) -> None:
    """Make anew what the bus has lost, or say why it stays lost; whoever needs it tries again."""
    try:
        await lost.mend()
    except ProviderTransient:
        return
    except Misconfigured as e:
        log.error("bus.refused", reason=str(e))  # noqa: TRY400  # says all; no fault of ours


def resend_after(attempts: int, /) -> timedelta:
    """How long a parcel that was sent is waited for."""
    doublings = min(attempts, 12)
    return min(LONGEST_WAIT, RESEND * (1 << doublings))
