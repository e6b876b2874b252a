"""Records that are gone, chats that change, people who leave: nothing is lost, nothing loops."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from functions.notify.handler import FUNCTION
from keylease.adapters.memory.chat import MemoryChats
from keylease.converge.settle import about_lease
from keylease.domain.decision import Decision, Effect, Obligations
from keylease.domain.events import (
    ClaimAsked,
    CredentialClaimed,
    EventData,
    LeaseActivated,
    LeaseClaimed,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestLapsed,
    RequestReviewNeeded,
    ReviewRecorded,
    ReviewRefused,
    TimerTicked,
)
from keylease.domain.lease import EndReason, LeaseStatus
from keylease.domain.request import RequestStatus
from keylease.domain.telling import Telling
from keylease.errors import ProviderNotFound, ProviderTransient
from tests.functions.notify.test_requests import BO_S, CHANNEL, TELL, asked, in_review, review
from tests.support import build
from tests.support.handover import Handover, activated

ANA_S = "slack:T1:UANA"
LEASE = about_lease(build.lease())


@pytest.mark.parametrize(
    "content",
    [
        RequestReviewNeeded(request_id="gone", rule="r", approvals=1, approvers=("leads",)),
        RequestApproved(request_id="gone", lease_id="l", account_id="a", rule="r", tell=TELL),
        RequestDenied(request_id="gone", rule="r", reasons=("no",), tell=TELL),
        RequestLapsed(request_id="gone"),
        RequestCancelled(request_id="gone"),
        ReviewRecorded(request_id="gone", reviewer="bo", verdict="approve", missing=1),
        ReviewRefused(request_id="gone", reviewer="bo", reason="x"),
        LeaseActivated(**LEASE, not_after=build.NOW, credential_id="c"),
        LeaseClaimed(**LEASE, credential_id="c"),
        LeaseEnded(**LEASE, reason="expired"),
        LeaseFailed(**LEASE, problem="x"),
        LeaseStuck(**LEASE, problem="x"),
        ClaimAsked(request_id="gone", by="ana"),
        CredentialClaimed(account_id="gone", credential_id="gone", holder="ana"),
    ],
)
async def test_what_is_not_in_the_store_is_not_talked_about(content: EventData) -> None:
    scene = Handover()

    await scene.hear(content)

    assert scene.chat.heard == []


async def test_a_question_that_cannot_be_changed_any_more_does_not_hold_the_answer_up() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(request.settle(RequestStatus.LAPSED, now=build.NOW))
    scene.chat.failures.append(ProviderNotFound("slack", "channel_not_found"))

    await scene.hear(RequestLapsed(request_id="req-1"))

    assert scene.chat.standing(ANA_S)[-1].text.startswith("req-1 has lapsed")
    assert [post.is_waiting for post in await scene.posts("req-1")] == [False] * 5


async def test_an_update_that_fails_for_now_is_made_again_and_the_answer_comes_once() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(request.settle(RequestStatus.LAPSED, now=build.NOW))
    scene.chat.failures.extend([None, ProviderTransient("slack", "NotSent")])

    with pytest.raises(ProviderTransient):
        await scene.hear(RequestLapsed(request_id="req-1"), id_="evt-a")
    await scene.hear(RequestLapsed(request_id="req-1"), id_="evt-a")
    await scene.hear(RequestLapsed(request_id="req-1"), id_="evt-a")

    assert len(scene.chat.standing(ANA_S)) == 2
    assert [message.buttons for message in scene.chat.standing(CHANNEL)] == [()]


async def test_a_question_in_a_chat_that_was_taken_away_is_left_alone() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(request.settle(RequestStatus.LAPSED, now=build.NOW))
    notify = scene.notify
    object.__setattr__(notify, "chats", MemoryChats(platform="teams"))
    event = await scene.hear(ReviewRefused(request_id="req-1", reviewer="bo", reason="x"))

    outcome = await notify(
        event.evolve(type=RequestLapsed.type, data={"request_id": "req-1"}, id="evt-x")
    )

    assert [entry.detail["whom"] for entry in outcome.audit] == ["ana"]
    assert scene.chat.updates == []


async def test_a_channel_of_no_known_chat_is_written_down() -> None:
    scene = Handover()
    await scene.put(in_review())

    await scene.hear(
        RequestReviewNeeded(
            request_id="req-1", rule="r", approvals=1, approvers=("leads",), tell=("teams:#x",)
        )
    )

    assert [e.detail["whom"] for e in await scene.store.audit()] == ["teams:#x"]
    assert len(scene.chat.standing(BO_S)) == 1


async def test_an_approver_who_left_is_written_down_and_others_are_asked() -> None:
    scene = Handover()
    scene.directory.put((await scene.directory.members("cy"))[0].evolve(addresses=()))

    await asked(scene)

    assert [e.detail["whom"] for e in await scene.store.audit()] == ["cy"]
    assert len(scene.chat.standing(BO_S)) == 1


async def test_the_holder_who_left_the_directory_gets_no_link() -> None:
    scene = Handover()
    lease = await scene.lease()
    scene.directory.remove("ana")

    await scene.hear(activated(lease))

    assert (await scene.credential()).claim is None
    assert [e.detail["whom"] for e in await scene.store.audit()] == ["ana"]


async def test_a_chat_that_refuses_the_link_is_written_down() -> None:
    scene = Handover()
    scene.chat.unknown.add(ANA_S)
    lease = await scene.lease()

    await scene.hear(activated(lease))

    unheard = [e for e in await scene.store.audit() if e.action == "notify.unreachable"]
    assert [e.detail["whom"] for e in unheard] == ["slack:T1:UANA (channel_not_found)"]


async def test_a_lease_that_ended_before_its_event_came_gets_no_link() -> None:
    scene = Handover()
    lease = await scene.lease()
    await scene.put(lease.stored().end(EndReason.REVOKED, now=build.NOW, by="bo"))

    await scene.hear(activated(lease))

    assert scene.chat.heard == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (EndReason.REVOKED, "bo revoked it"),
        (EndReason.RELEASED, "you gave it back"),
        (EndReason.EXPIRED, "its time is over"),
    ],
)
async def test_the_holder_hears_why_it_ended(reason: EndReason, words: str) -> None:
    scene = Handover()
    lease = await scene.lease()

    await scene.hear(LeaseEnded(**about_lease(lease), reason=reason, by="bo"))

    assert words in scene.chat.standing(ANA_S)[-1].text


async def test_a_stuck_end_reaches_the_rules_channels_too() -> None:
    scene = Handover()
    lease = await scene.lease()
    decision = Decision(
        effect=Effect.PERMIT,
        rule=None,
        reasons=(),
        obligations=Obligations(max_duration=timedelta(hours=1), tell=TELL),
        policy_digest="abc",
        decided_at=build.NOW,
    )
    await scene.put((await scene.request()).evolve(decision=decision))

    await scene.hear(LeaseStuck(**about_lease(lease), problem="x"))

    assert [one.place for one in scene.chat.heard] == ["#ops", CHANNEL]


async def test_a_password_that_was_never_rotated_has_no_link() -> None:
    scene = Handover()
    await scene.put(build.standing(username="svc", lock=None))

    await scene.hear(ClaimAsked(request_id="rmq-demo/svc", by="ana"))

    assert scene.chat.standing(ANA_S)[0].text.endswith("keylease has not rotated it yet.")


async def test_a_lease_on_a_standing_account_has_no_link_to_ask_for() -> None:
    scene = Handover()
    await scene.put(
        build.lease(status=LeaseStatus.ACTIVE, username="svc"),
        build.standing(username="svc", lock=None),
        build.request("req-lease-1", lease_id="lease-1"),
    )

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="ana"))

    assert scene.chat.standing(ANA_S)[0].text.endswith("the account has its password already.")


async def test_a_review_recorded_after_the_end_changes_no_question() -> None:
    scene = Handover()
    request = await asked(scene)
    await scene.put(
        request.evolve(reviews=(review("bo"),)).settle(RequestStatus.DENIED, now=build.NOW)
    )

    await scene.hear(
        ReviewRecorded(request_id="req-1", reviewer="bo", verdict="approve", missing=2)
    )

    assert scene.chat.updates == []
    assert scene.chat.standing(BO_S)[-1].text.endswith("It still needs 2 more approvals.")


def test_notify_hears_what_people_should_and_no_timer() -> None:
    assert LeaseStuck in FUNCTION.consumes
    assert TimerTicked not in FUNCTION.consumes
    assert FUNCTION.emits == frozenset()


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="no time zone 'Mars/Base'"):
        Telling(public_url="https://k.example", time_zone="Mars/Base")
