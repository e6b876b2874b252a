"""What an account shall hold."""

from datetime import timedelta

from keylease.converge.fold import ask_ends, baselined, fold, obstacles
from keylease.converge.rows import clash
from keylease.domain.account import Managed
from keylease.domain.lease import EndReason, LeaseStatus
from tests.support.build import (
    BOTH_ORDERS,
    HOUR,
    NOBODY,
    NOW,
    PUB_ORDERS,
    SUB_ORDERS,
    account,
    lease,
    permission,
    shows,
    situation,
    standing,
)

KEY = SUB_ORDERS.key


def test_overlapping_leases_add_up() -> None:
    desired = fold(situation(lease("a", SUB_ORDERS), lease("b", PUB_ORDERS)))

    assert desired.exists
    assert desired.rows == {KEY: BOTH_ORDERS}


def test_a_dedicated_account_without_live_leases_shall_not_exist() -> None:
    over = lease().end(EndReason.RELEASED, now=NOW)

    desired = fold(situation(over))

    assert not desired.exists
    assert desired.rows == {}


def test_a_standing_account_keeps_what_stood_before() -> None:
    row = Managed(resource=KEY[0], name=KEY[1], before=PUB_ORDERS)
    case = situation(lease("a", SUB_ORDERS), account=standing(managed=(row,)))

    assert fold(case).rows == {KEY: BOTH_ORDERS}


def test_a_standing_account_returns_to_what_stood_before() -> None:
    row = Managed(resource=KEY[0], name=KEY[1], before=PUB_ORDERS)
    over = lease().end(EndReason.RELEASED, now=NOW)

    desired = fold(situation(over, account=standing(managed=(row,))))

    assert desired.exists
    assert desired.rows == {KEY: PUB_ORDERS}


def test_a_lease_past_its_deadline_is_asked_to_end() -> None:
    late = lease("late", not_after=NOW)
    early = lease("early", not_after=NOW + timedelta(microseconds=1))

    ended, kept = ask_ends((late, early), now=NOW)

    assert (ended.status, ended.end_reason) == (LeaseStatus.ENDING, EndReason.EXPIRED)
    assert kept == early


def test_the_first_reason_to_end_stays() -> None:
    released = lease().end(EndReason.RELEASED, now=NOW)

    assert ask_ends((released,), now=NOW + HOUR) == (released,)


def test_what_one_row_cannot_hold_is_a_clash_that_names_the_resource() -> None:
    held = lease("a", permission("topic:orders", "Pub", "10.0.0.0/8"))

    reasons = clash(standing(), (held,), (permission("topic:orders", "Sub", "192.168.0.0/16"),))

    assert len(reasons) == 1
    assert reasons[0].startswith("topic orders: ")


def test_other_resources_do_not_clash() -> None:
    held = lease("a", permission("topic:orders", "Pub", "10.0.0.0/8"))

    assert clash(standing(), (held,), (permission("topic:payments", "Sub"),)) == ()
    assert clash(None, (), (SUB_ORDERS,)) == ()


def test_the_baseline_of_a_row_is_kept_at_the_first_touch_only() -> None:
    case = situation(lease("a", SUB_ORDERS), account=standing(), observed=shows(PUB_ORDERS))

    first = baselined(case)
    again = baselined(situation(lease("a", SUB_ORDERS), account=first, observed=shows(BOTH_ORDERS)))

    assert first.managed == (Managed(resource=KEY[0], name=KEY[1], before=PUB_ORDERS),)
    assert again.managed == first.managed


def test_a_dedicated_account_has_no_baseline() -> None:
    case = situation(lease(), observed=shows(PUB_ORDERS), account=account(made=True))

    assert baselined(case) == case.account


def test_a_missing_standing_account_serves_nobody() -> None:
    case = situation(lease("a"), account=standing(), observed=NOBODY)

    assert obstacles(case) == {"a": "the target has no account kl1"}


def test_a_strangers_account_is_never_adopted() -> None:
    case = situation(lease("a"), observed=shows())

    assert case.is_strangers
    assert obstacles(case) == {"a": "the name kl1 is taken by somebody else's account"}


def test_a_deny_row_of_somebody_else_is_not_lifted() -> None:
    case = situation(
        lease("a", SUB_ORDERS),
        lease("b", permission("group:GID_orders", "Sub")),
        account=account(made=True),
        observed=shows(denies=(SUB_ORDERS,)),
    )

    assert obstacles(case) == {"a": "the target holds a Deny rule for topic orders"}


def test_of_two_leases_that_clash_the_later_one_is_not_served() -> None:
    first = lease("z", permission("topic:orders", "Pub", "10.0.0.0/8"))
    second = lease(
        "a", permission("topic:orders", "Sub", "192.168.0.0/16"), approved_at=NOW + HOUR / 2
    )

    found = obstacles(situation(second, first, account=standing(), observed=shows()))

    assert list(found) == ["a"]


def test_nothing_stands_in_the_way_of_a_plain_lease() -> None:
    assert obstacles(situation(lease(), account=account(made=True), observed=shows())) == {}
