"""What stands in the store right now, in numbers that somebody should look at when they grow."""

from datetime import datetime, timedelta

import structlog

from keylease.domain.lease import Lease, LeaseStatus
from keylease.errors import ProviderTransient
from keylease.ports.clock import Clock
from keylease.ports.store import Store
from keylease.ports.transport import Transport

log = structlog.get_logger(__name__)

MOST = 1_000
"""No number grows beyond it: it is alarming long before."""
GRACE = timedelta(minutes=1)
"""A lease may be this long over before its access counts as still standing."""
AHEAD = timedelta(hours=1)
"""A lease whose end failed is tried again within this time, so it is due by then."""


async def measured(store: Store, /, *, clock: Clock) -> dict[str, int]:
    """Counts, each at most `MOST`.

    `outbox_lanes`: lanes with an event to deliver now. `parked`: events that need a person.
    `overdue_leases`: over for more than a minute by time or word, and not proved to be gone.
    `stuck_leases`: those of them whose end keeps failing. `failing_leases`: at least one try of
    their latest work has failed.
    """
    now = clock.now()
    leases = await store.due(Lease, before=now + AHEAD, limit=MOST)
    return {
        "outbox_lanes": await store.lanes(before=now, limit=MOST),
        "parked": len(await store.parked(limit=MOST)),
        "overdue_leases": sum(_over_since(lease) < now - GRACE for lease in leases),
        "stuck_leases": sum(lease.status is LeaseStatus.STUCK for lease in leases),
        "failing_leases": sum(lease.attempts > 0 for lease in leases),
    }


def _over_since(lease: Lease) -> datetime:
    """From when on it deserved no access."""
    return min(lease.not_after, lease.end_asked_at or lease.not_after)


async def measured_bus(transport: Transport, /) -> dict[str, int]:
    """Counts of the bus; `bus_away` is 1 when it does not answer: then no other is known."""
    try:
        found = await transport.measured()
    except ProviderTransient:
        return {"bus_away": 1}
    return {"bus_away": 0} | {name: min(MOST, number) for name, number in found.items()}


async def say_state(store: Store, /, *, clock: Clock, transport: Transport | None = None) -> None:
    """One log line with all of it; metrics are made of it."""
    bus = await measured_bus(transport) if transport else {}
    log.info("state.measured", **await measured(store, clock=clock), **bus)
