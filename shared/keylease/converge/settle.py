"""Settle: what is said once the target was read back and shows what it shall show."""

from collections.abc import Iterator

from keylease.converge.situation import Situation
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import EventData, LeaseActivated, LeaseEnded, LeaseFailed
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.record import Record


def settle(situation: Situation, /) -> Outcome:
    """Live leases are active, the others are over; the lock is given back."""
    leases = tuple(_settled(lease, situation) for lease in situation.leases)
    said = tuple(
        event
        for new, old in zip(leases, situation.loaded, strict=True)
        if (event := _event(new, old, situation)) is not None
    )
    moved = tuple(new for new, old in zip(leases, situation.loaded, strict=True) if new != old)
    return Outcome(
        records=(_account(situation), *moved, *_credentials(situation), *_slots(situation)),
        events=said,
        audit=tuple(_entry(lease, situation) for lease in moved),
    )


def _settled(lease: Lease, situation: Situation) -> Lease:
    if lease.deserves_access(situation.now):
        return lease.activated(now=situation.now)
    return lease.over(now=situation.now)


def _event(new: Lease, old: Lease, situation: Situation) -> EventData | None:
    about = about_lease(new)
    match new.status:
        case LeaseStatus.ACTIVE if old.status is not LeaseStatus.ACTIVE:
            credential_id = _credential_id(situation) if situation.is_dedicated else None
            return LeaseActivated(**about, not_after=new.not_after, credential_id=credential_id)
        case LeaseStatus.ENDED:
            reason = new.end_reason or EndReason.EXPIRED
            return LeaseEnded(**about, reason=reason, by=new.ended_by)
        case LeaseStatus.FAILED:
            return LeaseFailed(**about, problem=new.problem or "unknown")
        case _:
            return None


def about_lease(lease: Lease, /) -> dict[str, str]:
    """The ids that every event about a lease carries."""
    return {
        "request_id": lease.request_id,
        "lease_id": lease.id,
        "account_id": lease.account_id,
        "target": lease.target_id,
        "holder": lease.holder,
    }


def _credential_id(situation: Situation) -> str | None:
    """The secret that the target holds: a dedicated account has only ever been given one."""
    if situation.is_dedicated and situation.credentials:
        return situation.credentials[0].id
    return situation.account.credential_id


def _is_gone(situation: Situation) -> bool:
    """Whether a dedicated account was proved to be no more, or never ours."""
    return situation.is_dedicated and not situation.live


def _account(situation: Situation) -> Account:
    account, now = situation.account, situation.now
    keys = {p.key for lease in situation.live for p in lease.permissions}
    later = account.recheck_at if account.recheck_at and account.recheck_at > now else None
    return account.evolve(
        lock=None,
        intent=None,
        credential_id=_credential_id(situation),
        managed=tuple(row for row in account.managed if row.key in keys),
        recheck_at=later,
        removed_at=(account.removed_at or now) if _is_gone(situation) else None,
    )


def _credentials(situation: Situation) -> Iterator[Credential]:
    """A dedicated account's secret lives as long as the account."""
    if not situation.is_dedicated:
        return
    for credential in situation.credentials:
        if _is_gone(situation):
            yield credential.retired()
        elif credential.status is CredentialStatus.PENDING:
            yield credential.evolve(status=CredentialStatus.CURRENT)


def _slots(situation: Situation) -> Iterator[Record]:
    slots = situation.slots
    if slots and _is_gone(situation) and situation.account.id in slots.accounts:
        yield slots.given_back_by(situation.account.id)


def _entry(lease: Lease, situation: Situation) -> AuditEntry:
    return AuditEntry(
        at=situation.now,
        action=f"lease.{lease.status}",
        subject=lease.request_id,
        actor=lease.ended_by or "keylease",
        detail={
            "lease": lease.id,
            "account": lease.account_id,
            "permissions": [str(permission) for permission in lease.permissions],
            "reason": lease.end_reason,
            "problem": lease.problem,
        },
    )
