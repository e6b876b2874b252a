"""Intake: what is stored, said and written down for each kind of message."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from functions.intake.handler import Intake, request_id_of
from keylease.adapters.memory.store import MemoryStore
from keylease.domain.decision import Decision, Effect, Obligations
from keylease.domain.events import ClaimAsked, ReleaseAsked, RequestSubmitted, ReviewGiven
from keylease.domain.intake import (
    Arrived,
    Ask,
    AskClaim,
    AskHelp,
    AskStatus,
    GiveReview,
    Release,
    Reply,
    Said,
)
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.people import ExternalId
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.ports.store import Batch
from tests.support.build import HOUR, NOW, SUB_ORDERS, lease, standing
from tests.support.people import People, SetClock, Shelf, slack_id

LIN, CHEN, NOBODY = slack_id("U0REQ0001"), slack_id("U0APPR001"), slack_id("U0NOBODY1")
SERVICE = ExternalId(platform="webhook", tenant="t1", subject="servicenow")
ASK = Ask(entitlement="orders-read", duration=HOUR, reason="INC-4711 replay")


@dataclass
class Setting:
    """Intake over an empty store, committing what it decides."""

    store: MemoryStore = field(default_factory=MemoryStore)

    async def hear(
        self, said: Said, *, by: ExternalId = LIN, key: str = "k1"
    ) -> tuple[Outcome, Reply]:
        message = Arrived(source="slack", tenant="t1", key=key, sender=by, said=said)
        intake = Intake(directory=People(), catalog=Shelf(), store=self.store, clock=SetClock())
        return await intake(message)

    async def submit(self, **fields: Any) -> Request:
        outcome, _ = await self.hear(ASK)
        (request,) = outcome.records
        assert isinstance(request, Request)
        await self.store.commit(Batch(records=(request.evolve(**fields),)))
        return request


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_an_ask_becomes_a_submitted_request(setting: Setting) -> None:
    outcome, reply = await setting.hear(ASK)

    (request,) = outcome.records
    assert isinstance(request, Request)
    assert request.asked.requester == "lin"
    assert request.asked.permissions == (SUB_ORDERS,)
    assert request.origin == LIN
    assert request.status is RequestStatus.SUBMITTED
    assert request.answer_by == NOW + timedelta(hours=24)
    assert outcome.events == (RequestSubmitted(request_id=request.id),)
    assert reply == Reply(
        text=f"{request.id} is received. You are told as soon as it is decided.",
        request_id=request.id,
    )


async def test_the_audit_names_the_message_and_its_sender(setting: Setting) -> None:
    outcome, reply = await setting.hear(ASK)

    (entry,) = outcome.audit
    assert (entry.action, entry.subject) == ("request.submitted", reply.request_id)
    assert entry.actor == "slack:T0FAKE001:U0REQ0001"
    assert entry.detail["source"] == "slack"
    assert entry.detail["permissions"] == "Sub on topic orders"


def test_the_id_is_derived_from_the_message_alone() -> None:
    message = Arrived(source="slack", tenant="t1", key="k1", sender=LIN, said=ASK)

    assert request_id_of(message) == request_id_of(message.evolve(sender=CHEN, said=AskHelp()))
    assert request_id_of(message) == "req-aoex7ryu62"
    assert request_id_of(message) != request_id_of(message.evolve(tenant="t2"))


async def test_a_copy_of_an_ask_meets_the_same_request(setting: Setting) -> None:
    request = await setting.submit()

    outcome, reply = await setting.hear(ASK)

    assert outcome == NOTHING
    assert reply.request_id == request.id
    assert not reply.refused


async def test_an_id_used_by_somebody_else_is_refused(setting: Setting) -> None:
    await setting.submit()

    outcome, reply = await setting.hear(ASK, by=CHEN)

    assert outcome == NOTHING
    assert reply.refused
    assert reply.request_id is None


async def test_a_stranger_is_told_whom_to_ask_and_written_down(setting: Setting) -> None:
    outcome, reply = await setting.hear(ASK, by=NOBODY)

    assert reply.refused
    assert "slack:T0FAKE001:U0NOBODY1" in reply.text
    assert (outcome.records, outcome.events) == ((), ())
    assert [entry.action for entry in outcome.audit] == ["intake.refused"]


async def test_an_ask_for_somebody_is_that_persons_and_keeps_its_filer(setting: Setting) -> None:
    outcome, _ = await setting.hear(ASK.evolve(on_behalf_of=LIN), by=SERVICE)

    (request,) = outcome.records
    assert isinstance(request, Request)
    assert request.asked.requester == "lin"
    assert request.origin == SERVICE
    assert outcome.audit[0].actor == "webhook:t1:servicenow"


async def test_an_ask_for_a_stranger_is_refused(setting: Setting) -> None:
    outcome, reply = await setting.hear(ASK.evolve(on_behalf_of=NOBODY), by=SERVICE)

    assert reply.refused
    assert outcome.records == ()


async def test_a_workload_asks_for_itself(setting: Setting) -> None:
    outcome, _ = await setting.hear(ASK, by=SERVICE)

    (request,) = outcome.records
    assert isinstance(request, Request)
    assert request.asked.requester == "orders-service"


async def test_an_ask_that_makes_no_sense_is_answered_with_what_to_mend(setting: Setting) -> None:
    outcome, reply = await setting.hear(ASK.evolve(entitlement="orders-reed"))

    assert outcome == NOTHING
    assert reply.refused
    assert "there is orders-read" in reply.text


async def test_a_review_goes_on_with_reviewer_and_digest(setting: Setting) -> None:
    request = await setting.submit()
    said = GiveReview(
        request_id=request.id, verdict=Verdict.DENY, digest="d", reason="no\nnot today\u202e"
    )

    outcome, reply = await setting.hear(said, by=CHEN)

    assert outcome.events == (
        ReviewGiven(
            request_id=request.id,
            reviewer="chen",
            verdict="deny",
            digest="d",
            platform="slack",
            tenant="T0FAKE001",
            sender="U0APPR001",
            reason="no not today",
        ),
    )
    assert not reply.refused


async def test_a_workload_does_not_review(setting: Setting) -> None:
    request = await setting.submit()

    outcome, reply = await setting.hear(
        GiveReview(request_id=request.id, verdict=Verdict.APPROVE), by=SERVICE
    )

    assert outcome == NOTHING
    assert reply.refused


async def test_a_release_goes_on_with_its_speaker(setting: Setting) -> None:
    request = await setting.submit()

    outcome, _ = await setting.hear(Release(request_id=request.id))

    assert outcome.events == (ReleaseAsked(request_id=request.id, by="lin"),)


async def test_only_its_requester_asks_for_a_new_link(setting: Setting) -> None:
    request = await setting.submit()

    own, _ = await setting.hear(AskClaim(request_id=request.id))
    others, reply = await setting.hear(AskClaim(request_id=request.id), by=CHEN)

    assert own.events == (ClaimAsked(request_id=request.id, by="lin"),)
    assert others == NOTHING
    assert reply.refused


async def test_only_its_owner_asks_for_a_link_to_an_accounts_new_password(
    setting: Setting,
) -> None:
    await setting.store.commit(Batch(records=(standing(username="svc-orders", owner="lin"),)))

    own, _ = await setting.hear(AskClaim(request_id="rmq-demo/svc-orders"))
    others, reply = await setting.hear(AskClaim(request_id="rmq-demo/svc-orders"), by=CHEN)
    absent, _ = await setting.hear(AskClaim(request_id="rmq-demo/nobody"))

    assert own.events == (ClaimAsked(request_id="rmq-demo/svc-orders", by="lin"),)
    assert others == absent == NOTHING
    assert reply.refused


@pytest.mark.parametrize(
    "said",
    [
        GiveReview(request_id="req-absent", verdict=Verdict.APPROVE),
        Release(request_id="req-absent"),
        AskClaim(request_id="req-absent"),
        AskStatus(request_id="req-absent"),
    ],
)
async def test_what_is_not_there_changes_nothing(setting: Setting, said: Said) -> None:
    outcome, reply = await setting.hear(said)

    assert outcome == NOTHING
    assert reply.text.startswith("There is no request req-absent of yours.")


async def test_a_stranger_to_a_request_learns_nothing_of_it(setting: Setting) -> None:
    request = await setting.submit()

    _, absent = await setting.hear(AskStatus(request_id="req-absent"), by=CHEN)
    _, reply = await setting.hear(AskStatus(request_id=request.id), by=CHEN)

    assert reply.text == absent.text.replace("req-absent", request.id)


async def test_its_approvers_see_a_request(setting: Setting) -> None:
    duty = Obligations(max_duration=HOUR, approvals=1, approvers=frozenset({"leads"}))
    decision = Decision(
        effect=Effect.REVIEW,
        rule=None,
        reasons=(),
        obligations=duty,
        policy_digest="p",
        decided_at=NOW,
    )
    request = await setting.submit(decision=decision, status=RequestStatus.IN_REVIEW)

    _, reply = await setting.hear(AskStatus(request_id=request.id), by=CHEN)

    assert reply.text == f"{request.id}: in review — Sub on topic orders at rmq-demo"


async def test_status_tells_of_the_lease(setting: Setting) -> None:
    held = lease("lease-1").activated(now=NOW)
    request = await setting.submit(status=RequestStatus.APPROVED, lease_id="lease-1")
    await setting.store.commit(Batch(records=(held,)))

    _, one = await setting.hear(AskStatus(request_id=request.id))
    _, every = await setting.hear(AskStatus())

    assert one.text == (
        f"{request.id}: active until 2026-01-01 01:00 UTC — Sub on topic orders at rmq-demo"
    )
    assert every.text == one.text


async def test_status_of_nothing_shows_the_way(setting: Setting) -> None:
    _, reply = await setting.hear(AskStatus())

    assert reply.text == "You have asked for nothing yet. 'help' shows how."


async def test_help_lists_what_can_be_asked_for(setting: Setting) -> None:
    _, reply = await setting.hear(AskHelp())

    assert "request <entitlement> for <duration> because <reason>" in reply.text
    assert "Entitlements: orders-read, orders-svc" in reply.text


async def test_a_problem_is_answered_with_itself(setting: Setting) -> None:
    _, reply = await setting.hear(AskHelp(problem="'x' is no command"))

    assert reply == Reply(text="'x' is no command", refused=True)
