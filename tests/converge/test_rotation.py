"""What each step of a rotation writes."""

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from keylease.converge.rotation import (
    ALARM_AFTER,
    REFUSALS,
    Rotating,
    advanced,
    begin,
    created,
    finish,
    given_up,
    postponed,
    refused,
    waiting,
)
from keylease.domain.account import Account
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import CredentialRotated, RotationFailed
from keylease.domain.outcome import Outcome
from keylease.domain.rotation import Rotation, RotationStep
from keylease.domain.schedule import Schedule
from keylease.errors import InvariantBroken
from tests.support.build import NOW, SEALED, credential, standing

R = TypeVar("R")
TURN = timedelta(seconds=45)
SECOND = timedelta(seconds=1)


def only(outcome: Outcome, kind: type[R]) -> R:
    (record,) = (r for r in outcome.records if isinstance(r, kind))
    return record


def case(**fields: object) -> Rotating:
    held = standing(rotation=Schedule(every_days=30), rotation_id="rot-1", credentials=1)
    rotation = Rotation(id="rot-1", account_id=held.id, started_at=NOW, credential_id=None)
    rotation = rotation.evolve(**fields)
    return Rotating(held, rotation, (credential(1, rotation_id="rot-1"),), NOW, TURN)


SET = case(step=RotationStep.SET, credential_id="rmq-demo/kl1#1")


def test_a_rotation_begins_known_to_its_account() -> None:
    outcome = begin(standing(), "rot-1", now=NOW)

    assert only(outcome, Account).rotation_id == "rot-1"
    assert only(outcome, Rotation).step is RotationStep.CREATE


def test_the_new_secret_is_sealed_before_it_is_set() -> None:
    outcome = created(case(), SEALED)

    fresh = only(outcome, Credential)
    assert (fresh.id, fresh.number, fresh.holder) == ("rmq-demo/kl1#2", 2, "ana")
    assert (fresh.status, fresh.rotation_id) == (CredentialStatus.PENDING, "rot-1")
    assert only(outcome, Rotation).step is RotationStep.SET
    assert only(outcome, Rotation).credential_id == fresh.id
    assert only(outcome, Account).credentials == 2


def test_each_step_renews_the_turn_and_starts_counting_anew() -> None:
    outcome = advanced(replace(SET, rotation=SET.rotation.evolve(attempts=3)), RotationStep.TEST)

    lock = only(outcome, Account).lock
    assert lock is not None
    assert lock.until == NOW + TURN
    assert only(outcome, Rotation).attempts == 0


def test_finishing_makes_new_current_old_previous_and_the_rest_retired() -> None:
    new = credential(3, rotation_id="rot-1")
    old = credential(2, status=CredentialStatus.CURRENT)
    oldest = credential(1, status=CredentialStatus.PREVIOUS)
    held = replace(
        case(step=RotationStep.FINISH, credential_id=new.id), credentials=(new, old, oldest)
    )

    outcome = finish(held)

    found = {r.number: r for r in outcome.records if isinstance(r, Credential)}
    assert found[3].status is CredentialStatus.CURRENT
    assert (found[2].status, found[2].sealed) == (CredentialStatus.PREVIOUS, SEALED)
    assert (found[1].status, found[1].sealed) == (CredentialStatus.RETIRED, None)
    after = only(outcome, Account)
    assert (after.credential_id, after.rotation_id, after.lock) == (new.id, None, None)
    assert after.rotate_at == NOW + timedelta(days=30)
    assert outcome.events == (
        CredentialRotated(account_id=after.id, credential_id=new.id, owner="ana", number=3),
    )


def test_an_account_without_schedule_is_not_rotated_again() -> None:
    held = replace(SET, account=standing(rotation_id="rot-1"))

    assert only(finish(held), Account).rotate_at is None


def test_a_refused_password_is_made_anew() -> None:
    outcome = refused(SET, "too weak")

    assert only(outcome, Rotation).step is RotationStep.CREATE
    assert only(outcome, Rotation).refusals == 1
    assert only(outcome, Credential).sealed is None


def test_too_many_refusals_end_the_rotation() -> None:
    tired = replace(SET, rotation=SET.rotation.evolve(refusals=REFUSALS - 1))

    outcome = refused(tired, "too weak")

    assert only(outcome, Rotation).step is RotationStep.FAILED
    assert [type(event) for event in outcome.events] == [RotationFailed]


def test_a_secret_that_may_have_been_taken_stays_sealed() -> None:
    outcome = given_up(SET, "denied")

    assert not [r for r in outcome.records if isinstance(r, Credential)]
    assert only(outcome, Account).rotation_id is None


@pytest.mark.parametrize(("attempts", "pause"), [(0, 1), (2, 4), (9, 15)])
def test_a_working_target_is_looked_at_soon_again(attempts: int, pause: int) -> None:
    outcome = waiting(replace(SET, rotation=SET.rotation.evolve(attempts=attempts)))

    assert only(outcome, Rotation).retry_at == NOW + pause * SECOND
    assert only(outcome, Account).lock is None


def test_a_rotation_that_keeps_failing_goes_on_and_is_said_once() -> None:
    late = replace(SET, rotation=SET.rotation.evolve(attempts=ALARM_AFTER - 1))

    alarmed = postponed(late, "busy", jitter=1.0)
    later = postponed(
        replace(late, rotation=only(alarmed, Rotation)), "busy", jitter=1.0, after=400 * SECOND
    )

    assert [type(event) for event in alarmed.events] == [RotationFailed]
    assert only(alarmed, Rotation).is_open
    assert later.events == ()
    assert only(later, Rotation).retry_at == NOW + 400 * SECOND


def test_a_step_may_be_done_again() -> None:
    assert SET.back_to(RotationStep.CREATE).rotation.step is RotationStep.CREATE


def test_a_lost_credential_is_not_papered_over() -> None:
    with pytest.raises(InvariantBroken, match="lost its credential"):
        _ = case(credential_id="gone").credential


def test_a_turn_that_was_lost_is_not_renewed() -> None:
    outcome = advanced(replace(SET, account=standing(lock=None)), RotationStep.TEST)

    assert only(outcome, Account).lock is None
