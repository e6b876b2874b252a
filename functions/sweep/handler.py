"""Sweep: find what is due and say so, again and again until it is done.

Timers and events only make things faster; what the store says is due gets done even when every
one of them is lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keylease.converge.admit import standing_account
from keylease.converge.settle import about_lease
from keylease.domain.access import StandingAccount
from keylease.domain.account import Account
from keylease.domain.events import (
    AccountCheckDue,
    Event,
    EventData,
    LeaseEndDue,
    RequestAnswerDue,
    RotationDue,
    TimerTicked,
)
from keylease.domain.lease import Lease
from keylease.domain.outcome import Outcome
from keylease.domain.record import Record
from keylease.domain.request import Request
from keylease.domain.rotation import Rotation
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.store import Store

AT_ONCE = 200
"""Records of one kind that one tick takes up; the next tick takes the next."""
REPEAT = timedelta(minutes=1)
"""What is still due after this long is said again."""
SELDOM = timedelta(hours=1)
"""From then on only this often: what waits for a person must not pile up."""
INBOX_KEPT = timedelta(days=30)
"""How long a message that is sent again is known. Signed calls die after minutes, parcels are
parked after hours; ticket tools and queues send again for some days, with the same id."""
PRUNED_AT_ONCE = 1000
"""Inbox ids that one tick forgets: some milliseconds of the one writer."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Consumes a timer."""

    store: Store
    clock: Clock
    catalog: Catalog

    async def __call__(self, _: Event, /) -> Outcome:
        now = self.clock.now()
        due = self.store.due
        leases = await due(Lease, before=now, limit=AT_ONCE)
        accounts = await due(Account, before=now, limit=AT_ONCE)
        rotations = await due(Rotation, before=now, limit=AT_ONCE)
        requests = await due(Request, before=now, limit=AT_ONCE)
        left = self._undeclared(accounts, now)
        retired = tuple(x.evolve(rotation=None, rotate_at=None) for x in left)
        events: tuple[EventData, ...] = (
            *(LeaseEndDue(**about_lease(x), occasion=_occasion(x, now)) for x in leases),
            *(_account_due(x, now) for x in accounts if x not in left),
            *(RotationDue(account_id=x.account_id, occasion=_occasion(x, now)) for x in rotations),
            *(RequestAnswerDue(request_id=x.id, occasion=_occasion(x, now)) for x in requests),
        )
        await self.store.prune(before=now - INBOX_KEPT, limit=PRUNED_AT_ONCE)
        return Outcome(records=(*await self._enrolled(now), *retired), events=events)

    def _undeclared(self, due: tuple[Account, ...], now: datetime) -> tuple[Account, ...]:
        """Standing accounts that left the catalog: their secrets are nobody's to change."""
        declared = {standing.id for standing in self.catalog.standing()}
        return tuple(x for x in due if x.id not in declared and not x.needs_look(now))

    async def _enrolled(self, now: datetime) -> tuple[Record, ...]:
        """Records of declared standing accounts that are new, or whose schedule has changed."""
        found = []
        for declared in self.catalog.standing():
            account = await self.store.load(Account, declared.id)
            if account is None or account.rotation != declared.rotation:
                found.append(_scheduled(account or standing_account(declared), declared, now))
        return tuple(found)


def _scheduled(account: Account, declared: StandingAccount, now: datetime) -> Account:
    schedule = declared.rotation
    rotate_at = schedule.next_after(now, key=account.id) if schedule else None
    return account.evolve(rotation=schedule, rotate_at=rotate_at, owner=declared.owner)


def _account_due(account: Account, now: datetime) -> EventData:
    occasion = _occasion(account, now)
    if account.recheck_at is not None and account.recheck_at <= now:
        return AccountCheckDue(account_id=account.id, occasion=occasion)
    return RotationDue(account_id=account.id, occasion=occasion)


def _occasion(record: Record, now: datetime) -> str:
    """The same while the same thing stays due, for a while; then it is worth saying again."""
    at = record.sweep_at or now
    late = now - at
    turn = f"{late // REPEAT}m" if late < SELDOM else f"{late // SELDOM}h"
    return f"{record.id}@{at.isoformat()}+{turn}"


FUNCTION = Function(
    name="sweep",
    handler=Sweep,
    consumes=frozenset({TimerTicked}),
    emits=frozenset({LeaseEndDue, AccountCheckDue, RotationDue, RequestAnswerDue}),
)
