"""Verify: just before a call, what the step gives is a subset of what live leases allow.

Knows nothing of fold and plan, on purpose: a fault there is stopped here.
"""

from keylease.domain.access import Permission, addresses_within
from keylease.domain.account import Account, AccountKind
from keylease.domain.lease import Lease
from keylease.domain.steps import CreateAccount, DropRow, Enable, PutRow, Step
from keylease.errors import InvariantBroken


def verify(step: Step, /, *, account: Account, live: tuple[Lease, ...]) -> None:
    """Let the step through, or stop it.

    Raises:
        InvariantBroken: it would give more than live leases and the baseline allow, or take
            what is not ours to take.
    """
    if step.username != account.username:
        _stop(step, f"it is not about account {account.username}")
    if any(lease.account_id != account.id for lease in live):
        _stop(step, "a lease of another account was counted")
    match step:
        case CreateAccount(permission=permission):
            _needs_own(step, account)
            _needs(step, bool(live), "no live lease asks for an account")
            if permission is not None:
                _within(step, permission, account, live)
        case Enable():
            _needs_own(step, account)
            _needs(step, bool(live), "no live lease asks for it")
        case PutRow(permission=permission):
            _within(step, permission, account, live)
        case DropRow(permission=permission):
            _droppable(step, permission, account, live)
        case _:  # Disable, DropAccount
            _needs_own(step, account)
            _needs(step, not live, "a live lease needs the account")


def _within(step: Step, gives: Permission, account: Account, live: tuple[Lease, ...]) -> None:
    allowed = [p for lease in live for p in lease.permissions if p.key == gives.key]
    before = account.before(gives.key)
    if before is not None:
        allowed.append(before)
    for action in gives.actions:
        lists = [p.whitelist for p in allowed if action in p.actions]
        reach = frozenset[str]() if not all(lists) else frozenset[str]().union(*lists)
        _needs(step, bool(lists), f"nothing allows {action}")
        _needs(step, addresses_within(gives.whitelist, reach), f"{action} from too many addresses")


def _droppable(step: Step, row: Permission, account: Account, live: tuple[Lease, ...]) -> None:
    needed = any(p.key == row.key for lease in live for p in lease.permissions)
    _needs(step, not needed, "a live lease needs the row")
    if account.account_kind is AccountKind.STANDING:
        ours = any(managed.key == row.key for managed in account.managed)
        _needs(step, ours, "the row is not ours")
        _needs(step, account.before(row.key) is None, "the row stood there before us")


def _needs_own(step: Step, account: Account) -> None:
    own = account.account_kind is AccountKind.DEDICATED
    _needs(step, own, "a standing account is not ours to make, switch or remove")


def _needs(step: Step, holds: bool, why: str) -> None:  # noqa: FBT001  # reads as a claim
    if not holds:
        _stop(step, why)


def _stop(step: Step, why: str) -> None:
    msg = f"stopped before the call, {step}: {why}"
    raise InvariantBroken(msg)
