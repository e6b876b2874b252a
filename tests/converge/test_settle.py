"""What is said after the read-back, and only then."""

from datetime import timedelta
from typing import TypeVar

from keylease.converge.intend import intend, new_credential
from keylease.converge.settle import settle
from keylease.domain.account import Account, Intent, Managed
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import LeaseActivated, LeaseEnded, LeaseFailed
from keylease.domain.lease import EndReason, Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.slots import Slots
from keylease.domain.steps import CreateAccount, DropAccount
from tests.support.build import (
    HOUR,
    NOBODY,
    NOW,
    PUB_ORDERS,
    SEALED,
    SUB_ORDERS,
    account,
    credential,
    lease,
    shows,
    situation,
    standing,
)

INTENT = Intent(steps=("create",), credential_id="rmq-demo/kl1#1", at=NOW, gives=True)
ROW = Managed(resource=SUB_ORDERS.resource, name="orders", before=PUB_ORDERS)
LATER = NOW + timedelta(minutes=10)


R = TypeVar("R")


def only(outcome: Outcome, kind: type[R]) -> R:
    (record,) = (r for r in outcome.records if isinstance(r, kind))
    return record


def test_a_pending_lease_is_active_after_proof() -> None:
    held = account(made=True, intent=INTENT)
    case = situation(lease(), account=held, observed=shows(SUB_ORDERS), credentials=(credential(),))

    outcome = settle(case)

    assert only(outcome, Lease).status is LeaseStatus.ACTIVE
    assert only(outcome, Lease).activated_at == NOW
    assert only(outcome, Credential).status is CredentialStatus.CURRENT
    after = only(outcome, Account)
    assert (after.lock, after.intent, after.credential_id) == (None, None, "rmq-demo/kl1#1")
    assert outcome.events == (
        LeaseActivated(
            request_id="req-lease-1",
            lease_id="lease-1",
            account_id="rmq-demo/kl1",
            target="rmq-demo",
            holder="ana",
            not_after=NOW + HOUR,
            credential_id="rmq-demo/kl1#1",
        ),
    )
    assert [entry.action for entry in outcome.audit] == ["lease.active"]


def test_an_active_lease_is_not_announced_again() -> None:
    active = lease().activated(now=NOW)
    known = (credential(status=CredentialStatus.CURRENT),)

    outcome = settle(
        situation(active, account=account(made=True), observed=shows(SUB_ORDERS), credentials=known)
    )

    assert outcome.events == ()
    assert [type(record) for record in outcome.records] == [Account]


def test_a_lease_on_a_standing_account_brings_no_credential() -> None:
    held = standing(credential_id="rmq-demo/kl1#7")

    (event,) = settle(situation(lease(), account=held, observed=shows(SUB_ORDERS))).events

    assert isinstance(event, LeaseActivated)
    assert event.credential_id is None


def test_an_ended_dedicated_account_gives_back_slot_and_secret() -> None:
    over = lease().activated(now=NOW).end(EndReason.EXPIRED, now=NOW)
    case = situation(
        over,
        account=account(made=True),
        observed=NOBODY,
        credentials=(credential(status=CredentialStatus.CURRENT),),
        slots=Slots(id="rmq-demo", accounts=("rmq-demo/kl1", "rmq-demo/kl2")),
    )

    outcome = settle(case)

    assert only(outcome, Lease).status is LeaseStatus.ENDED
    assert only(outcome, Account).removed_at == NOW
    assert only(outcome, Credential).sealed is None
    assert only(outcome, Slots).accounts == ("rmq-demo/kl2",)
    (event,) = outcome.events
    assert isinstance(event, LeaseEnded)
    assert event.reason == "expired"


def test_a_slot_that_was_given_back_stays_so() -> None:
    over = lease().end(EndReason.EXPIRED, now=NOW)

    outcome = settle(situation(over, account=account(made=True), slots=Slots(id="rmq-demo")))

    assert not [record for record in outcome.records if isinstance(record, Slots)]


def test_a_lease_that_could_not_be_served_has_failed() -> None:
    over = lease().end(EndReason.FAILED, now=NOW, problem="no such topic")

    outcome = settle(situation(over, account=account(made=True)))

    assert only(outcome, Lease).status is LeaseStatus.FAILED
    (event,) = outcome.events
    assert isinstance(event, LeaseFailed)
    assert event.problem == "no such topic"


def test_a_standing_account_outlives_its_leases() -> None:
    over = lease().end(EndReason.RELEASED, now=NOW)
    case = situation(
        over,
        account=standing(managed=(ROW,)),
        observed=shows(PUB_ORDERS),
        credentials=(credential(status=CredentialStatus.CURRENT),),
    )

    outcome = settle(case)

    assert only(outcome, Account).removed_at is None
    assert only(outcome, Account).managed == ()
    assert not [record for record in outcome.records if isinstance(record, Credential)]


def test_the_baseline_is_kept_while_a_lease_lives() -> None:
    case = situation(lease(), account=standing(managed=(ROW,)), observed=shows(SUB_ORDERS))

    assert only(settle(case), Account).managed == (ROW,)


def test_a_later_look_stays_planned_until_it_was_made() -> None:
    planned = account(made=True, recheck_at=LATER)

    early = settle(situation(lease(), account=planned, observed=shows(SUB_ORDERS)))
    due = settle(situation(lease(), account=planned, observed=shows(SUB_ORDERS), now=LATER))

    assert only(early, Account).recheck_at == LATER
    assert only(due, Account).recheck_at is None


def test_the_intent_holds_steps_secret_and_a_longer_turn() -> None:
    case = situation(lease())
    made = new_credential(case, SEALED)

    outcome = intend(case, (CreateAccount("kl1"),), credential=made, turn=HOUR)

    held = only(outcome, Account)
    assert held.intent == Intent(
        steps=("create account kl1",), credential_id="rmq-demo/kl1#1", at=NOW, gives=True
    )
    assert held.made
    assert held.credentials == 1
    assert held.lock is not None
    assert held.lock.until == NOW + HOUR
    assert only(outcome, Lease).status is LeaseStatus.ACTIVATING
    assert only(outcome, Credential) == made
    assert outcome.audit[0].detail["steps"] == ["create account kl1"]


def test_an_intent_to_take_away_gives_nothing() -> None:
    over = lease().end(EndReason.RELEASED, now=NOW)
    loaded = (lease(),)
    case = situation(over, loaded=loaded, account=account(made=True, lock=None))

    outcome = intend(case, (DropAccount("kl1"),), credential=None, turn=HOUR)

    held = only(outcome, Account)
    assert held.intent is not None
    assert not held.intent.gives
    assert held.lock is None
    assert only(outcome, Lease) == over


def test_a_credential_of_an_earlier_try_is_not_stored_again() -> None:
    earlier = credential(version=1)
    case = situation(lease(), account=account(credentials=1))

    outcome = intend(case, (CreateAccount("kl1"),), credential=earlier, turn=HOUR)

    assert only(outcome, Account).credentials == 1
    assert not [record for record in outcome.records if isinstance(record, Credential)]
