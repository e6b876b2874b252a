"""Admit: whether an approved request can be served, and the lease and account that serve it."""

from dataclasses import dataclass
from datetime import datetime

from keylease.converge.rows import clash
from keylease.domain.access import Action, Permission, Product, StandingAccount, Target, account_id
from keylease.domain.account import Account, AccountKind, dedicated_username
from keylease.domain.lease import Lease
from keylease.domain.record import Record
from keylease.domain.request import Asked, Request
from keylease.domain.slots import Slots

MOST_LEASES = 1000
"""Open leases of one account: as many as `Store.children` gives at once, and all must be seen."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """To be stored together with the approval."""

    lease: Lease
    account: Account
    slots: Slots | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        some = (self.lease, self.account)
        return some if self.slots is None else (*some, self.slots)


@dataclass(frozen=True, slots=True)
class Full:
    """Cannot be served; every reason, in words."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What is there already, as it was read."""

    target: Target
    standing: StandingAccount | None = None
    """The declared account, when the request names one."""
    account: Account | None = None
    leases: tuple[Lease, ...] = ()
    """Open leases of that account."""
    slots: Slots | None = None


def lease_id_of(request_id: str, /) -> str:
    """One request, one lease: a repeated approval meets its own."""
    return f"lease-{request_id}"


def username_for(asked: Asked, /, *, request_id: str) -> str:
    """The user name on the target."""
    return asked.account or dedicated_username(lease_id_of(request_id))


def admit(request: Request, room: Room, /, *, now: datetime) -> Admitted | Full:
    """The lease, or every reason why there can be none. Pure."""
    reasons = (*_unservable(request.asked, room), *_no_slot(request.asked, room))
    if reasons:
        return Full(reasons)
    account = _account(request, room)
    lease = Lease(
        id=lease_id_of(request.id),
        request_id=request.id,
        holder=request.asked.requester,
        target_id=room.target.id,
        account_id=account.id,
        permissions=request.asked.permissions,
        approved_at=now,
        not_after=now + request.asked.duration,
    )
    takes = room.target.account_limit is not None and request.asked.account is None
    slots = (room.slots or Slots(id=room.target.id)).taken_by(account.id) if takes else None
    return Admitted(lease=lease, account=account, slots=slots)


def _account(request: Request, room: Room) -> Account:
    """The account as it was read, so that its version guards what was read of its leases."""
    if room.account is not None:
        return room.account
    username = username_for(request.asked, request_id=request.id)
    if room.standing is not None:
        return standing_account(room.standing)
    return Account(
        id=account_id(target=room.target.id, username=username),
        target_id=room.target.id,
        username=username,
        account_kind=AccountKind.DEDICATED,
        owner=request.asked.requester,
    )


def standing_account(declared: StandingAccount, /) -> Account:
    """The first record of a declared standing account."""
    return Account(
        id=declared.id,
        target_id=declared.target,
        username=declared.username,
        account_kind=AccountKind.STANDING,
        owner=declared.owner,
        made=True,
        rotation=declared.rotation,
    )


def _unservable(asked: Asked, room: Room) -> tuple[str, ...]:
    if asked.account is not None and room.standing is None:
        return (f"account {asked.account} is not declared as a standing account in the catalog",)
    if room.target.product is Product.REDIS and not _one_role(asked.permissions):
        return ("a Redis account has one role for the whole cache: ask for read or read,write",)
    if len(room.leases) >= MOST_LEASES:
        return (f"the account serves {MOST_LEASES} leases already; ask again when some are over",)
    return clash(room.account, room.leases, asked.permissions)


def _one_role(permissions: tuple[Permission, ...]) -> bool:
    """RoleReadOnly or RoleReadWrite, from anywhere: nothing else exists."""
    return (
        len(permissions) == 1
        and Action.READ in permissions[0].actions
        and not permissions[0].whitelist
    )


def _no_slot(asked: Asked, room: Room) -> tuple[str, ...]:
    limit = room.target.account_limit
    taken = len(room.slots.accounts) if room.slots else 0
    if asked.account is not None or limit is None or taken < limit:
        return ()
    return (f"all {limit} accounts that keylease may hold on {room.target.id} are in use",)
