"""Plan: a pure diff from what the target shows to what it shall show, into steps."""

from itertools import chain

from keylease.converge.fold import Desired
from keylease.converge.situation import Situation
from keylease.domain.access import Permission, Product
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    PutRow,
    Step,
)

GIVING = (CreateAccount, PutRow, Enable)


def plan(situation: Situation, desired: Desired, /) -> tuple[Step, ...]:
    """The steps in order; none when the target shows what it shall show."""
    if not desired.exists:
        return _removal(situation)
    return (*_account(situation, desired), *_rows(situation, desired))


def _account(situation: Situation, desired: Desired) -> tuple[Step, ...]:
    """Make a dedicated account exist and let it log in; a standing one is left as it is."""
    username, observed = situation.account.username, situation.observed
    if not situation.is_dedicated or (observed.exists and observed.enabled):
        return ()
    if observed.exists:
        return (Enable(username=username),)
    if situation.target.product is Product.ROCKETMQ:
        return (CreateAccount(username=username),)
    # A Redis account is born with its one privilege.
    (permission,) = desired.rows.values()
    return (CreateAccount(username=username, permission=permission),)


def _rows(situation: Situation, desired: Desired) -> tuple[Step, ...]:
    """Narrow before widening: what is too much goes first."""
    username, shown = situation.account.username, situation.rows
    born_with_it = situation.target.product is Product.REDIS and not situation.observed.exists
    nowhere = not situation.is_dedicated and not situation.observed.exists
    puts = tuple(
        PutRow(username=username, permission=row, exists=key in shown)
        for key, row in sorted(desired.rows.items())
        if shown.get(key) != row and not born_with_it and not nowhere
    )
    ours = (
        shown.keys() if situation.is_dedicated else {row.key for row in situation.account.managed}
    )
    drops = tuple(
        DropRow(username=username, permission=shown[key])
        for key in sorted(ours)
        if key in shown and key not in desired.rows
    )
    return (*drops, *puts)


def _removal(situation: Situation) -> tuple[Step, ...]:
    """Disable, rows, account: after the first step nothing works any more, whatever fails next.

    Rows may outlive their account and would serve the next of that name.
    """
    username, observed = situation.account.username, situation.observed
    if situation.is_strangers:
        return ()
    if not observed.exists:
        return _all_rows(situation)
    if situation.target.product is Product.REDIS:
        return (DropAccount(username=username),)
    disable = (Disable(username=username),) if observed.enabled else ()
    return (*disable, *_all_rows(situation), DropAccount(username=username))


def _all_rows(situation: Situation) -> tuple[Step, ...]:
    rows: tuple[Permission, ...] = tuple(
        chain(situation.observed.permissions, situation.observed.denies)
    )
    return tuple(DropRow(username=situation.account.username, permission=row) for row in rows)
