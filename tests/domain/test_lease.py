"""A lease from pending to its end, and when sweep must look at it."""

from datetime import timedelta
from typing import Any

import pytest

from keylease.domain.lease import EndReason, LeaseStatus
from keylease.domain.record import GRACE
from tests.support.build import HOUR, NOW, lease

MINUTE = timedelta(minutes=1)
RISING = [LeaseStatus.PENDING, LeaseStatus.ACTIVATING, LeaseStatus.ACTIVE]
FALLING = [LeaseStatus.ENDING, LeaseStatus.STUCK]
OVER = [LeaseStatus.ENDED, LeaseStatus.FAILED]


@pytest.mark.parametrize("status", RISING)
def test_access_stands_until_its_deadline_and_not_at_it(status: LeaseStatus) -> None:
    rising = lease(status=status, not_after=NOW + HOUR)

    assert rising.deserves_access(NOW + HOUR - timedelta(microseconds=1))
    assert not rising.deserves_access(NOW + HOUR)


@pytest.mark.parametrize("status", FALLING + OVER)
def test_what_ends_deserves_no_access(status: LeaseStatus) -> None:
    assert not lease(status=status).deserves_access(NOW)


@pytest.mark.parametrize("status", RISING)
@pytest.mark.parametrize("reason", list(EndReason))
def test_a_rising_lease_can_be_asked_to_end(status: LeaseStatus, reason: EndReason) -> None:
    tired = lease(status=status, attempts=4, retry_at=NOW, problem="busy")

    ending = tired.end(reason, now=NOW + MINUTE, by="ben", problem="why")

    assert (ending.status, ending.end_reason, ending.ended_by) == (
        LeaseStatus.ENDING,
        reason,
        "ben",
    )
    assert (ending.end_asked_at, ending.attempts, ending.retry_at) == (NOW + MINUTE, 0, None)
    assert ending.problem == "why"


@pytest.mark.parametrize("status", FALLING + OVER)
def test_the_first_reason_to_end_stays(status: LeaseStatus) -> None:
    ending = lease(status=status, end_reason=EndReason.EXPIRED, end_asked_at=NOW)

    assert ending.end(EndReason.RELEASED, now=NOW + HOUR, by="ana") == ending


def test_trouble_is_counted_and_tried_again() -> None:
    troubled = lease().troubled("busy", now=NOW, retry_at=NOW + MINUTE)

    assert (troubled.status, troubled.attempts) == (LeaseStatus.PENDING, 1)
    assert (troubled.retry_at, troubled.problem) == (NOW + MINUTE, "busy")


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (2 * MINUTE - timedelta(seconds=1), LeaseStatus.ENDING),
        (2 * MINUTE, LeaseStatus.STUCK),
        (24 * HOUR, LeaseStatus.STUCK),
    ],
)
def test_an_end_that_keeps_failing_is_stuck(after: timedelta, status: LeaseStatus) -> None:
    ending = lease().end(EndReason.EXPIRED, now=NOW)

    assert ending.troubled("denied", now=NOW + after, retry_at=NOW + after).status is status


def test_activation_keeps_its_first_instant() -> None:
    first = lease(attempts=3, retry_at=NOW, problem="x").activated(now=NOW)
    again = first.activated(now=NOW + HOUR)

    assert (first.status, first.activated_at) == (LeaseStatus.ACTIVE, NOW)
    assert (first.attempts, first.retry_at, first.problem) == (0, None, None)
    assert again.activated_at == NOW


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (EndReason.EXPIRED, LeaseStatus.ENDED),
        (EndReason.RELEASED, LeaseStatus.ENDED),
        (EndReason.REVOKED, LeaseStatus.ENDED),
        (EndReason.FAILED, LeaseStatus.FAILED),
    ],
)
def test_the_reason_decides_how_it_is_over(reason: EndReason, status: LeaseStatus) -> None:
    over = lease().end(reason, now=NOW).evolve(retry_at=NOW).over(now=NOW + MINUTE)

    assert (over.status, over.ended_at, over.retry_at) == (status, NOW + MINUTE, None)
    assert not over.is_open


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": LeaseStatus.PENDING}, NOW + GRACE),
        ({"status": LeaseStatus.ACTIVATING, "retry_at": NOW + MINUTE}, NOW + MINUTE),
        ({"status": LeaseStatus.ACTIVE}, NOW + HOUR),
        ({"status": LeaseStatus.ACTIVE, "retry_at": NOW + MINUTE}, NOW + MINUTE),
        ({"status": LeaseStatus.ACTIVE, "retry_at": NOW + 2 * HOUR}, NOW + HOUR),
        ({"status": LeaseStatus.ENDING, "end_asked_at": NOW + MINUTE}, NOW + MINUTE + GRACE),
        ({"status": LeaseStatus.STUCK, "end_asked_at": NOW, "retry_at": NOW + HOUR}, NOW + HOUR),
        ({"status": LeaseStatus.ENDED}, None),
        ({"status": LeaseStatus.FAILED}, None),
    ],
)
def test_sweep_looks_when_something_is_to_be_done(fields: dict[str, Any], expected: object) -> None:
    assert lease(**fields).sweep_at == expected


@pytest.mark.parametrize("status", [s for s in LeaseStatus if s not in OVER])
def test_no_open_lease_is_ever_forgotten(status: LeaseStatus) -> None:
    assert lease(status=status).sweep_at is not None


@pytest.mark.parametrize("status", OVER)
def test_nothing_moves_an_ended_lease_but_its_history_stays(status: LeaseStatus) -> None:
    over = lease(status=status)

    assert (over.is_open, over.sweep_at, over.parent) == (False, None, "rmq-demo/kl1")


def test_an_active_lease_needs_work_at_its_deadline_or_when_planned() -> None:
    active = lease(status=LeaseStatus.ACTIVE)

    assert not active.needs_work(NOW)
    assert active.needs_work(NOW + HOUR)
    assert active.evolve(retry_at=NOW + HOUR).needs_work(NOW)
    assert lease(status=LeaseStatus.PENDING).needs_work(NOW)
