"""Approvers get buttons once, requesters get answers once, and buttons go when all is settled."""

from datetime import timedelta
from typing import Any

import pytest

from keylease.domain.decision import Decision, Effect, Obligations, RuleRef
from keylease.domain.events import (
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestLapsed,
    RequestReviewNeeded,
    ReviewRecorded,
    ReviewRefused,
)
from keylease.domain.people import ExternalId
from keylease.domain.request import Request, RequestStatus, Review, Verdict
from keylease.errors import ProviderBusy
from keylease.ports.chat import Button
from tests.support import build
from tests.support.handover import ANA, BO, CY, OPS, Handover, person

TELL = ("slack:#mq-approvals",)
CHANNEL = "#mq-approvals"
BO_S, CY_S, ANA_S = "slack:T1:UBO", "slack:T1:UCY", "slack:T1:UANA"
NEEDED = RequestReviewNeeded(
    request_id="req-1", rule="orders (p.yaml:1)", approvals=1, approvers=("leads",), tell=TELL
)


def in_review(**fields: Any) -> Request:
    decision = Decision(
        effect=Effect.REVIEW,
        rule=RuleRef(name="orders", file="p.yaml", line=1),
        reasons=(),
        obligations=Obligations(
            max_duration=timedelta(hours=8),
            approvals=1,
            approvers=frozenset({"leads"}),
            tell=TELL,
        ),
        policy_digest="abc",
        decided_at=build.NOW,
    )
    defaults: dict[str, Any] = {"status": RequestStatus.IN_REVIEW, "decision": decision}
    return build.request(**(defaults | fields))


def review(reviewer: str, verdict: Verdict = Verdict.APPROVE) -> Review:
    via = ExternalId(platform="slack", tenant="T1", subject=f"U{reviewer.upper()}")
    return Review(reviewer=reviewer, verdict=verdict, digest="d", at=build.NOW, via=via)


async def asked(scene: Handover, request: Request | None = None) -> Request:
    request = request or in_review()
    await scene.put(request)
    await scene.hear(NEEDED)
    return request.stored()


def texts(scene: Handover, place: str) -> list[str]:
    return [message.text for message in scene.chat.standing(place)]


async def test_approvers_and_the_channel_get_buttons_bound_to_the_digest() -> None:
    scene = Handover()

    request = await asked(scene)

    value = f"req-1:{request.digest}"
    buttons = (
        Button(action="approve", label="Approve", value=value),
        Button(action="deny", label="Deny", value=value, is_danger=True),
    )
    for place in (CHANNEL, BO_S, CY_S):
        assert [message.buttons for message in scene.chat.standing(place)] == [buttons]


async def test_the_question_says_who_what_where_how_long_and_why() -> None:
    scene = Handover()

    await asked(scene)

    message = scene.chat.standing(CHANNEL)[0]
    assert message.text == (
        "ana asks for access (req-1). Approve or deny it by 2026-01-02 00:00 UTC; "
        "after that it lapses."
    )
    assert message.fields == (
        ("Who", "ana"),
        ("What", "Sub on topic orders"),
        ("Where", "rmq-demo"),
        ("For", "1h"),
        ("Why", "replay INC-1"),
        ("Rule", "orders (p.yaml:1)"),
        ("Approvals", "1 from leads"),
    )


async def test_the_requester_hears_whose_approval_it_waits_for_and_gets_no_buttons() -> None:
    scene = Handover()

    await asked(scene)

    (message,) = scene.chat.standing(ANA_S)
    assert message.text.startswith("req-1 needs one approval from leads, by 2026-01-02 00:00 UTC.")
    assert message.buttons == ()


async def test_a_requester_among_the_approvers_gets_no_buttons() -> None:
    scene = Handover()
    scene.directory.put(person("ana", "leads"))

    await asked(scene)

    assert [message.buttons for message in scene.chat.standing(ANA_S)] == [()]


async def test_workloads_among_the_approvers_are_not_asked() -> None:
    scene = Handover()
    scene.directory.put(person("robot", "leads", is_workload=True))

    await asked(scene)

    assert scene.chat.standing("slack:T1:UROBOT") == []


async def test_a_large_group_is_asked_in_the_channel_only() -> None:
    scene = Handover()
    for number in range(11):
        scene.directory.put(person(f"p{number}", "leads"))

    await asked(scene)

    assert len(scene.chat.standing(CHANNEL)) == 1
    assert scene.chat.standing(BO_S) == []


async def test_a_large_group_without_a_channel_is_asked_through_the_operators() -> None:
    scene = Handover()
    for number in range(11):
        scene.directory.put(person(f"p{number}", "leads"))
    await scene.put(in_review())

    await scene.hear(NEEDED.evolve(tell=()))

    assert len(scene.chat.standing("#ops")) == 1


async def test_the_same_event_again_posts_nothing_twice() -> None:
    scene = Handover()
    await scene.put(in_review())

    await scene.hear(NEEDED, id_="evt-a")
    await scene.hear(NEEDED, id_="evt-a")

    assert [one.place for one in scene.chat.heard] == [CHANNEL, BO_S, CY_S, ANA_S]


async def test_one_chat_failure_does_not_keep_others_from_hearing_nor_repeat_them() -> None:
    scene = Handover()
    await scene.put(in_review())
    scene.chat.failures.append(ProviderBusy("slack", "ratelimited", retry_after=3))

    with pytest.raises(ProviderBusy):
        await scene.hear(NEEDED, id_="evt-a")
    first = [one.place for one in scene.chat.heard]
    await scene.hear(NEEDED, id_="evt-a")

    assert CHANNEL not in first
    assert sorted(one.place for one in scene.chat.heard) == sorted([CHANNEL, BO_S, CY_S, ANA_S])


async def test_a_place_that_does_not_exist_is_written_down_and_the_rest_is_told() -> None:
    scene = Handover()
    scene.chat.unknown.add(CHANNEL)

    await asked(scene)

    entries = [e for e in await scene.store.audit() if e.action == "notify.unreachable"]
    assert [entry.detail["whom"] for entry in entries] == [
        "slack:#mq-approvals (channel_not_found)"
    ]
    assert len(scene.chat.standing(BO_S)) == 1


async def test_a_settled_request_is_not_asked_for_any_more() -> None:
    scene = Handover()
    await scene.put(in_review().settle(RequestStatus.DENIED, now=build.NOW, because=("no",)))

    await scene.hear(NEEDED)

    assert scene.chat.heard == []


async def test_on_approval_every_question_loses_its_buttons_and_the_requester_hears() -> None:
    scene = Handover()
    request = await asked(scene)
    approved = request.evolve(reviews=(review("bo"),)).settle(RequestStatus.APPROVED, now=build.NOW)
    await scene.put(approved)

    await scene.hear(
        RequestApproved(
            request_id="req-1",
            lease_id="lease-1",
            account_id="rmq-demo/kl1",
            rule="orders",
            approved_by=("bo",),
            tell=TELL,
        )
    )

    for place in (CHANNEL, BO_S, CY_S):
        assert texts(scene, place) == ["req-1 is approved by bo."]
        assert [message.buttons for message in scene.chat.standing(place)] == [()]
    assert texts(scene, ANA_S)[-1] == (
        "req-1 is approved by bo. The access is being made; you will hear when it works."
    )


async def test_a_channel_that_was_never_asked_hears_of_an_automatic_approval() -> None:
    scene = Handover()
    await scene.put(in_review().settle(RequestStatus.APPROVED, now=build.NOW))

    await scene.hear(
        RequestApproved(
            request_id="req-1", lease_id="l", account_id="a", rule="orders (p.yaml:1)", tell=TELL
        )
    )

    assert texts(scene, CHANNEL) == [
        "ana got req-1 approved by rule orders (p.yaml:1). Nothing to do."
    ]


async def test_a_denial_carries_every_reason() -> None:
    scene = Handover()
    request = await asked(scene)
    reasons = ("9h is longer than 8h", "a ticket is required")
    await scene.put(request.settle(RequestStatus.DENIED, now=build.NOW, because=reasons))

    await scene.hear(
        RequestDenied(request_id="req-1", rule="orders (p.yaml:1)", reasons=reasons, tell=TELL)
    )

    assert texts(scene, ANA_S)[-1] == (
        "req-1 is denied by rule orders (p.yaml:1).\n"
        "- 9h is longer than 8h\n"
        "- a ticket is required\n"
        "Change what the reasons name and ask again with /access request."
    )
    assert texts(scene, CHANNEL) == ["req-1 is denied: 9h is longer than 8h; a ticket is required"]


@pytest.mark.parametrize(
    ("event", "status", "words"),
    [
        (
            RequestLapsed(request_id="req-1"),
            RequestStatus.LAPSED,
            "req-1 has lapsed: nobody answered in time.",
        ),
        (
            RequestCancelled(request_id="req-1"),
            RequestStatus.CANCELLED,
            "req-1 is cancelled: taken back by ana",
        ),
    ],
)
async def test_questions_close_when_a_request_lapses_or_is_taken_back(
    event: RequestLapsed | RequestCancelled, status: RequestStatus, words: str
) -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(request.settle(status, now=build.NOW, because=("taken back by ana",)))

    await scene.hear(event)

    assert texts(scene, BO_S) == [words]
    assert len(scene.chat.standing(ANA_S)) == 2


async def test_a_recorded_review_is_confirmed_and_shown_in_the_question() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(request.evolve(reviews=(review("bo"),)))

    await scene.hear(
        ReviewRecorded(request_id="req-1", reviewer="bo", verdict="approve", missing=1)
    )

    assert texts(scene, BO_S)[-1] == "Your word on req-1 counts. It still needs one more approval."
    assert texts(scene, CHANNEL)[0].endswith("So far: bo.")
    assert len(scene.chat.standing(CHANNEL)[0].buttons) == 2


async def test_a_refused_review_is_explained_once() -> None:
    scene = Handover()
    await asked(scene)
    refused = ReviewRefused(
        request_id="req-1", reviewer="ana", reason="nobody reviews their own request"
    )

    await scene.hear(refused)
    await scene.hear(refused)

    assert texts(scene, ANA_S)[1:] == [
        "req-1: that did not count: nobody reviews their own request."
    ]


async def test_a_double_click_of_the_deciding_reviewer_says_nothing() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(
        request.evolve(reviews=(review("bo"),)).settle(RequestStatus.APPROVED, now=build.NOW)
    )
    before = len(scene.chat.heard)

    await scene.hear(
        ReviewRefused(request_id="req-1", reviewer="bo", reason="the request is already approved")
    )

    assert len(scene.chat.heard) == before


async def test_somebody_without_a_chat_is_written_down() -> None:
    scene = Handover()
    scene.directory.put(ANA.evolve(addresses=()))
    await scene.put(in_review().settle(RequestStatus.LAPSED, now=build.NOW))

    event = await scene.hear(RequestLapsed(request_id="req-1"))

    (entry,) = await scene.store.audit()
    assert (entry.action, entry.subject) == ("notify.unreachable", "req-1")
    assert entry.detail == {"whom": "ana", "event": event.type}


async def test_the_answer_goes_where_the_request_came_from_when_that_is_the_requesters() -> None:
    scene = Handover()
    other = ExternalId(platform="slack", tenant="T2", subject="UANA2")
    scene.directory.put(ANA.evolve(addresses=(*ANA.addresses, other)))
    await scene.put(in_review(origin=other).settle(RequestStatus.LAPSED, now=build.NOW))

    await scene.hear(RequestLapsed(request_id="req-1"))

    assert [one.place for one in scene.chat.heard] == ["slack:T2:UANA2"]


async def test_an_origin_that_is_not_the_requesters_is_told_nothing() -> None:
    scene = Handover()
    await scene.put(in_review(origin=BO.addresses[0]).settle(RequestStatus.LAPSED, now=build.NOW))

    await scene.hear(RequestLapsed(request_id="req-1"))

    assert [one.place for one in scene.chat.heard] == [ANA_S]
    assert OPS == "slack:#ops"
    assert CY.id == "cy"
