"""Fold: what an account shall hold is its baseline and the union of its live leases."""

from dataclasses import dataclass
from datetime import datetime

from keylease.converge.rows import clash, merge, parts_of
from keylease.converge.situation import Situation
from keylease.domain.access import Permission, RowKey
from keylease.domain.account import Account, Managed
from keylease.domain.lease import EndReason, Lease


@dataclass(frozen=True, slots=True)
class Desired:
    """What the target shall show."""

    exists: bool
    """Whether a dedicated account shall be there; a standing one always shall."""
    rows: dict[RowKey, Permission]
    """The rows that keylease answers for; on a standing account no others are its business."""


def ask_ends(leases: tuple[Lease, ...], /, *, now: datetime) -> tuple[Lease, ...]:
    """The same leases, with each one whose time is over asked to end."""
    return tuple(
        lease if now < lease.not_after else lease.end(EndReason.EXPIRED, now=now)
        for lease in leases
    )


def fold(situation: Situation, /) -> Desired:
    """Baseline of the managed rows plus the live leases (`situation.account` is baselined).

    Leases were admitted only when no row has to widen (`clash`), so every merge succeeds; one that
    does not is ended by `obstacles` first.
    """
    parts = parts_of(situation.account, situation.live)
    merged = {key: merge(permissions) for key, permissions in parts.items()}
    return Desired(
        exists=bool(situation.live) or not situation.is_dedicated,
        rows={key: row for key, row in merged.items() if row is not None},
    )


def obstacles(situation: Situation, /) -> dict[str, str]:
    """Live leases that this target cannot serve as it stands: lease id to reason."""
    if not situation.is_dedicated and not situation.observed.exists:
        gone = f"the target has no account {situation.account.username}"
        return {lease.id: gone for lease in situation.live}
    if situation.is_strangers:
        taken = f"the name {situation.account.username} is taken by somebody else's account"
        return {lease.id: taken for lease in situation.live}
    denied = {row.key for row in situation.observed.denies}
    found: dict[str, str] = {}
    served: tuple[Lease, ...] = ()
    for lease in sorted(situation.live, key=lambda lease: (lease.approved_at, lease.id)):
        hits = [f"{p.resource} {p.name}" for p in lease.permissions if p.key in denied]
        if hits:
            found[lease.id] = f"the target holds a Deny rule for {', '.join(hits)}"
        elif reasons := clash(situation.account, served, lease.permissions):
            found[lease.id] = "; ".join(reasons)
        else:
            served = (*served, lease)
    return found


def baselined(situation: Situation, /) -> Account:
    """The account with each row that a live lease is about to touch kept as it stands now."""
    account, rows = situation.account, situation.rows
    if situation.is_dedicated:
        return account
    known = {row.key for row in account.managed}
    fresh = sorted(_keys(situation.live) - known)
    return account.evolve(
        managed=account.managed
        + tuple(Managed(resource=key[0], name=key[1], before=rows.get(key)) for key in fresh)
    )


def _keys(leases: tuple[Lease, ...]) -> set[RowKey]:
    return {permission.key for lease in leases for permission in lease.permissions}
