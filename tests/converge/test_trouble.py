"""Failure is written down, retried and never dropped."""

from datetime import timedelta

import pytest

from keylease.converge.trouble import give_up, is_rising, retry, wait
from keylease.domain.account import Account
from keylease.domain.events import LeaseEndDue, LeaseStuck
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from tests.support.build import NOW, account, lease, situation

SECOND = timedelta(seconds=1)


def leases_of(outcome: Outcome) -> list[Lease]:
    return [record for record in outcome.records if isinstance(record, Lease)]


def account_of(outcome: Outcome) -> Account:
    return next(record for record in outcome.records if isinstance(record, Account))


@pytest.mark.parametrize(("attempts", "pause"), [(0, 1), (1, 2), (3, 8), (4, 15), (60, 15)])
def test_a_working_target_is_looked_at_soon_again(attempts: int, pause: int) -> None:
    outcome = wait(situation(lease(attempts=attempts)))

    (waiting,) = leases_of(outcome)
    assert waiting.retry_at == NOW + pause * SECOND
    assert waiting.attempts == attempts + 1
    assert account_of(outcome).lock is None
    assert account_of(outcome).recheck_at is None


def test_an_account_without_leases_is_looked_at_again_too() -> None:
    outcome = wait(situation(account=account(made=True)))

    assert account_of(outcome).recheck_at == NOW + SECOND


def test_a_failure_that_nothing_counts_is_tried_again_as_late_as_can_be() -> None:
    outcome = retry(situation(account=account(made=True)), "down", jitter=0.0)

    assert account_of(outcome).recheck_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("attempts", "jitter", "after", "pause"),
    [
        (0, 0.0, None, 1),
        (5, 1.0, None, 32),
        (5, 0.5, None, 16),
        (40, 1.0, None, 300),
        (0, 0.0, 7, 7),
    ],
)
def test_retries_back_off_with_jitter_and_honour_the_provider(
    attempts: int, jitter: float, after: int | None, pause: int
) -> None:
    asked = after * SECOND if after else None

    outcome = retry(situation(lease(attempts=attempts)), "busy", jitter=jitter, after=asked)

    assert leases_of(outcome)[0].retry_at == NOW + pause * SECOND
    assert leases_of(outcome)[0].problem == "busy"
    assert outcome.audit[0].detail["problem"] == "busy"


def test_an_end_that_keeps_failing_is_stuck_and_said_once() -> None:
    ending = lease().end(EndReason.RELEASED, now=NOW - timedelta(minutes=2))

    outcome = retry(situation(ending), "denied", jitter=1.0)
    (stuck,) = leases_of(outcome)
    again = retry(situation(stuck), "denied", jitter=1.0)

    assert stuck.status is LeaseStatus.STUCK
    assert [type(event) for event in outcome.events] == [LeaseStuck]
    assert again.events == ()
    assert leases_of(again)[0].retry_at is not None


def test_an_end_that_only_began_to_fail_is_not_stuck() -> None:
    ending = lease().end(EndReason.RELEASED, now=NOW - SECOND)

    outcome = retry(situation(ending), "busy", jitter=1.0)

    assert leases_of(outcome)[0].status is LeaseStatus.ENDING
    assert outcome.events == ()


def test_giving_up_ends_what_was_on_its_way_up_and_nothing_else() -> None:
    rising = lease("a", status=LeaseStatus.ACTIVATING)
    active = lease("b").activated(now=NOW)

    outcome = give_up(situation(rising, active), "refused")

    (ended,) = leases_of(outcome)
    assert (ended.id, ended.status, ended.end_reason) == ("a", LeaseStatus.ENDING, EndReason.FAILED)
    assert ended.problem == "refused"
    assert [type(event) for event in outcome.events] == [LeaseEndDue]
    assert account_of(outcome).lock is None


def test_active_leases_are_not_rising() -> None:
    assert is_rising(situation(lease()))
    assert not is_rising(situation(lease().activated(now=NOW)))
