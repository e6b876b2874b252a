"""From what is shown to what shall be shown."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from keylease.converge.fold import baselined, fold
from keylease.converge.plan import plan
from keylease.converge.situation import Situation
from keylease.domain.access import Permission
from keylease.domain.account import Managed
from keylease.domain.lease import EndReason
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    Observed,
    PutRow,
    Step,
)
from tests.support.build import (
    BOTH_ORDERS,
    NOBODY,
    NOW,
    PUB_ORDERS,
    READ,
    READ_WRITE,
    REDIS,
    SUB_ORDERS,
    account,
    lease,
    permission,
    shows,
    situation,
    standing,
)

GROUP = permission("group:GID_orders", "Sub")
OURS = account(made=True)
OVER = lease().end(EndReason.RELEASED, now=NOW)


def steps_of(case: Situation) -> tuple[Step, ...]:
    case = dataclasses.replace(case, account=baselined(case))
    return plan(case, fold(case))


def test_a_new_account_is_made_before_its_rows() -> None:
    assert steps_of(situation(lease("a", SUB_ORDERS, GROUP))) == (
        CreateAccount("kl1"),
        PutRow("kl1", GROUP, exists=False),
        PutRow("kl1", SUB_ORDERS, exists=False),
    )


def test_what_is_as_it_shall_be_needs_no_step() -> None:
    case = situation(lease("a", SUB_ORDERS), account=OURS, observed=shows(SUB_ORDERS))

    assert steps_of(case) == ()


def test_a_disabled_account_is_enabled() -> None:
    case = situation(
        lease("a", SUB_ORDERS), account=OURS, observed=shows(SUB_ORDERS, enabled=False)
    )

    assert steps_of(case) == (Enable("kl1"),)


def test_too_much_goes_before_too_little_comes() -> None:
    case = situation(lease("a", SUB_ORDERS), account=OURS, observed=shows(GROUP, BOTH_ORDERS))

    assert steps_of(case) == (DropRow("kl1", GROUP), PutRow("kl1", SUB_ORDERS, exists=True))


def test_removal_disables_first_and_drops_every_row() -> None:
    case = situation(OVER, account=OURS, observed=shows(SUB_ORDERS, denies=(GROUP,)))

    assert steps_of(case) == (
        Disable("kl1"),
        DropRow("kl1", SUB_ORDERS),
        DropRow("kl1", GROUP),
        DropAccount("kl1"),
    )


def test_a_removal_that_was_begun_goes_on() -> None:
    case = situation(OVER, account=OURS, observed=shows(enabled=False))

    assert steps_of(case) == (DropAccount("kl1"),)


def test_what_is_gone_is_gone() -> None:
    assert steps_of(situation(OVER, account=OURS, observed=NOBODY)) == ()


def test_rows_that_outlive_their_account_are_dropped() -> None:
    left = Observed(exists=False, permissions=(SUB_ORDERS,), denies=(GROUP,))

    assert steps_of(situation(OVER, account=OURS, observed=left)) == (
        DropRow("kl1", SUB_ORDERS),
        DropRow("kl1", GROUP),
    )


def test_a_strangers_account_is_left_alone() -> None:
    assert steps_of(situation(OVER, account=account(), observed=shows(SUB_ORDERS))) == ()


def test_a_redis_account_is_born_with_its_role() -> None:
    case = situation(lease("a", READ), target=REDIS, observed=NOBODY)

    assert steps_of(case) == (CreateAccount("kl1", READ),)


def test_a_redis_role_is_replaced() -> None:
    case = situation(lease("a", READ), target=REDIS, account=OURS, observed=shows(READ_WRITE))

    assert steps_of(case) == (PutRow("kl1", READ, exists=True),)


def test_a_redis_account_is_simply_dropped() -> None:
    case = situation(OVER, target=REDIS, account=OURS, observed=shows(READ))

    assert steps_of(case) == (DropAccount("kl1"),)


def test_rows_of_a_standing_account_that_are_not_ours_are_left_alone() -> None:
    case = situation(lease("a", SUB_ORDERS), account=standing(), observed=shows(GROUP))

    assert steps_of(case) == (PutRow("kl1", SUB_ORDERS, exists=False),)


def test_a_standing_row_that_we_made_goes_when_no_lease_needs_it() -> None:
    made = Managed(resource=GROUP.resource, name=GROUP.name, before=None)
    case = situation(OVER, account=standing(managed=(made,)), observed=shows(GROUP))

    assert steps_of(case) == (DropRow("kl1", GROUP),)


def test_a_standing_row_returns_to_its_baseline() -> None:
    kept = Managed(resource=PUB_ORDERS.resource, name="orders", before=PUB_ORDERS)
    case = situation(OVER, account=standing(managed=(kept,)), observed=shows(BOTH_ORDERS))

    assert steps_of(case) == (PutRow("kl1", PUB_ORDERS, exists=True),)


ROWS = st.lists(
    st.sampled_from([SUB_ORDERS, PUB_ORDERS, BOTH_ORDERS, GROUP, permission("topic:pay", "Pub")]),
    unique_by=lambda row: row.key,
)


def carried_out(observed: Observed, steps: tuple[Step, ...]) -> Observed:
    """What a target shows after the steps: RocketMQ in a few lines."""
    rows = {row.key: row for row in observed.permissions}
    exists, enabled = observed.exists, observed.enabled
    for step in steps:
        match step:
            case CreateAccount() | Enable():
                exists = enabled = True
            case PutRow(permission=row):
                rows[row.key] = row
            case DropRow(permission=row):
                rows.pop(row.key, None)
            case Disable():
                enabled = False
            case DropAccount():
                exists = False
    shown: tuple[Permission, ...] = tuple(rows.values()) if exists else ()
    return Observed(exists=exists, enabled=enabled, permissions=shown)


@given(wanted=ROWS, there=ROWS, exists=st.booleans(), enabled=st.booleans(), own=st.booleans())
def test_carrying_out_a_plan_leaves_nothing_to_plan(
    wanted: list[Permission], there: list[Permission], exists: bool, enabled: bool, own: bool
) -> None:
    held = OURS if own else standing()
    leases = (lease("a", *wanted),) if wanted else (OVER,)
    shown = exists or not own
    before = Observed(
        exists=shown, enabled=enabled or not own, permissions=tuple(there) if shown else ()
    )
    case = situation(*leases, account=held, observed=before)
    case = dataclasses.replace(case, account=baselined(case))

    after = dataclasses.replace(case, observed=carried_out(before, plan(case, fold(case))))

    assert plan(after, fold(after)) == ()


def test_a_standing_account_that_is_gone_gets_no_rows_back() -> None:
    before = Managed(resource=SUB_ORDERS.resource, name=SUB_ORDERS.name, before=SUB_ORDERS)
    made = Managed(resource=GROUP.resource, name=GROUP.name, before=None)
    gone = Observed(exists=False, permissions=(GROUP,))
    case = situation(OVER, account=standing(managed=(before, made)), observed=gone)

    assert steps_of(case) == (DropRow("kl1", GROUP),)
