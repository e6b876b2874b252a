"""Trouble: what is written when a round failed or has to wait; nothing is ever dropped."""

from datetime import datetime, timedelta

from keylease.converge.settle import about_lease
from keylease.converge.situation import Known
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.events import EventData, LeaseEndDue, LeaseStuck
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.outcome import Outcome

LONGEST_WAIT = timedelta(minutes=5)
"""The longest gap between two tries."""
LONGEST_SETTLING = timedelta(seconds=15)
"""The longest gap between two looks at an account that the target works on."""
SHORTEST_WAIT = timedelta(seconds=1)


def wait(known: Known, /) -> Outcome:
    """The target is still working on the account: look again soon."""
    pause = min(LONGEST_SETTLING, SHORTEST_WAIT * 2 ** min(_tries(known), 8))
    return _again(known, "the target is still working on the account", pause)


def retry(
    known: Known, problem: str, /, *, jitter: float, after: timedelta | None = None
) -> Outcome:
    """Try again later: exponential with full jitter, at least as late as the provider asked."""
    pause = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(_tries(known), 12)) * jitter
    # Without a lease nothing counts the tries, so each is as late as can be.
    least = SHORTEST_WAIT if known.leases else LONGEST_WAIT
    return _again(known, problem, max(least, pause, after or least))


def _tries(known: Known) -> int:
    return max((lease.attempts for lease in known.leases), default=0)


def _again(known: Known, problem: str, pause: timedelta) -> Outcome:
    now, retry_at = known.now, known.now + pause
    leases = tuple(lease.troubled(problem, now=now, retry_at=retry_at) for lease in known.leases)
    stuck = tuple(
        LeaseStuck(**about_lease(new), problem=problem)
        for new, old in zip(leases, known.loaded, strict=True)
        if new.status is LeaseStatus.STUCK and old.status is not LeaseStatus.STUCK
    )
    account = _freed(known.account, recheck=None if leases else retry_at)
    return Outcome(records=(account, *leases), events=stuck, audit=(_entry(known, problem),))


def give_up(known: Known, problem: str, /) -> Outcome:
    """The target will never accept it: leases on their way up end, and what was made is removed."""
    now = known.now
    leases = tuple(
        lease.end(EndReason.FAILED, now=now, problem=problem) if _is_rising(lease) else lease
        for lease in known.leases
    )
    moved = tuple(new for new, old in zip(leases, known.loaded, strict=True) if new != old)
    due: tuple[EventData, ...] = tuple(LeaseEndDue(**about_lease(lease)) for lease in moved)
    return Outcome(
        records=(_freed(known.account, recheck=None), *moved),
        events=due[:1],
        audit=(_entry(known, problem),),
    )


def is_rising(known: Known, /) -> bool:
    """Whether the failed work was for leases that are not active yet."""
    return any(_is_rising(lease) for lease in known.live)


def _is_rising(lease: Lease) -> bool:
    return lease.status in (LeaseStatus.PENDING, LeaseStatus.ACTIVATING)


def _freed(account: Account, *, recheck: datetime | None) -> Account:
    freed = account.evolve(lock=None)
    return freed if recheck is None else freed.evolve(recheck_at=recheck)


def _entry(known: Known, problem: str) -> AuditEntry:
    return AuditEntry(
        at=known.now,
        action="account.troubled",
        subject=known.account.id,
        actor="keylease",
        detail={"problem": problem, "leases": [lease.id for lease in known.leases]},
    )
