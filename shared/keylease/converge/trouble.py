"""Trouble: what is written when a round failed or has to wait; nothing is ever dropped."""

from datetime import datetime, timedelta

from keylease.converge.settle import about_lease
from keylease.converge.situation import Situation
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.events import EventData, LeaseEndDue, LeaseStuck
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.outcome import Outcome

LONGEST_WAIT = timedelta(minutes=5)
"""The longest gap between two tries (reliability.md 1.1)."""
LONGEST_SETTLING = timedelta(seconds=15)
"""The longest gap between two looks at an account that the target works on."""
SHORTEST_WAIT = timedelta(seconds=1)


def wait(situation: Situation, /) -> Outcome:
    """The target is still working on the account: look again soon."""
    pause = min(LONGEST_SETTLING, SHORTEST_WAIT * 2 ** min(_tries(situation), 8))
    return _again(situation, "the target is still working on the account", pause)


def retry(
    situation: Situation, problem: str, /, *, jitter: float, after: timedelta | None = None
) -> Outcome:
    """Try again later: exponential with full jitter, at least as late as the provider asked."""
    pause = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(_tries(situation), 12)) * jitter
    return _again(situation, problem, max(SHORTEST_WAIT, pause, after or SHORTEST_WAIT))


def _tries(situation: Situation) -> int:
    return max((lease.attempts for lease in situation.leases), default=0)


def _again(situation: Situation, problem: str, pause: timedelta) -> Outcome:
    now, retry_at = situation.now, situation.now + pause
    leases = tuple(
        lease.troubled(problem, now=now, retry_at=retry_at) for lease in situation.leases
    )
    stuck = tuple(
        LeaseStuck(**about_lease(new), problem=problem)
        for new, old in zip(leases, situation.loaded, strict=True)
        if new.status is LeaseStatus.STUCK and old.status is not LeaseStatus.STUCK
    )
    account = _freed(situation.account, recheck=None if leases else retry_at)
    return Outcome(records=(account, *leases), events=stuck, audit=(_entry(situation, problem),))


def give_up(situation: Situation, problem: str, /) -> Outcome:
    """The target will never accept it: leases on their way up end, and what was made is removed."""
    now = situation.now
    leases = tuple(
        lease.end(EndReason.FAILED, now=now, problem=problem) if _is_rising(lease) else lease
        for lease in situation.leases
    )
    moved = tuple(new for new, old in zip(leases, situation.loaded, strict=True) if new != old)
    due: tuple[EventData, ...] = tuple(LeaseEndDue(**about_lease(lease)) for lease in moved)
    return Outcome(
        records=(_freed(situation.account, recheck=None), *moved),
        events=due[:1],
        audit=(_entry(situation, problem),),
    )


def is_rising(situation: Situation, /) -> bool:
    """Whether the failed work was for leases that are not active yet."""
    return any(_is_rising(lease) for lease in situation.live)


def _is_rising(lease: Lease) -> bool:
    return lease.status in (LeaseStatus.PENDING, LeaseStatus.ACTIVATING)


def _freed(account: Account, *, recheck: datetime | None) -> Account:
    freed = account.evolve(lock=None)
    return freed if recheck is None else freed.evolve(recheck_at=recheck)


def _entry(situation: Situation, problem: str) -> AuditEntry:
    return AuditEntry(
        at=situation.now,
        action="account.troubled",
        subject=situation.account.id,
        actor="keylease",
        detail={"problem": problem, "leases": [lease.id for lease in situation.leases]},
    )
