"""What the store alone tells a doctor: leases that should have ended, and events that wait."""

from datetime import datetime, timedelta

from keylease.domain.lease import GOING_UP, Lease, LeaseStatus
from keylease.ports.store import Store

LATE = timedelta(minutes=1)
"""How long after its end a lease may still be called live: a sweep and a converge."""
EVER = timedelta(days=36_500)
MOST = 10_000
LISTED = 10


async def open_leases(store: Store, /, *, now: datetime) -> tuple[Lease, ...]:
    """All of them: each open lease has a time at which sweep must look at it."""
    return await store.due(Lease, before=now + EVER, limit=MOST)


async def late_leases(store: Store, /, *, now: datetime) -> tuple[str, ...]:
    """Leases that are live past their end."""
    late = [
        f"{one.id} should have ended at {one.not_after:%Y-%m-%d %H:%M:%S} UTC and is {one.status}"
        for one in await open_leases(store, now=now)
        if one.status in GOING_UP and one.not_after + LATE < now
    ]
    return _listed(late, then="is `keylease serve` running?")


async def stuck_leases(store: Store, /, *, now: datetime) -> tuple[str, ...]:
    """Leases whose end keeps failing."""
    stuck = [
        f"{one.id}: {one.problem or 'unknown'} ({one.attempts} attempts)"
        for one in await open_leases(store, now=now)
        if one.status is LeaseStatus.STUCK
    ]
    return _listed(stuck, then="mend the target; they are retried")


async def parked(store: Store, /) -> tuple[str, ...]:
    """Events that nobody will deliver without a person."""
    found = [
        f"{one.parcel.outgoing.event.type} for {one.parcel.outgoing.destination}: {one.reason}"
        for one in await store.parked(limit=MOST)
    ]
    return _listed(found, then="mend the cause, then run `keylease parked retry --all`")


def _listed(found: list[str], *, then: str) -> tuple[str, ...]:
    if not found:
        return ()
    more = (f"and {len(found) - LISTED} more",) if len(found) > LISTED else ()
    return (*found[:LISTED], *more, then)
