"""Only the holder gets a link; a newer one replaces it; a claimed credential gets none."""

from datetime import timedelta

import pytest

from keylease.converge.settle import about_lease
from keylease.domain.credential import CredentialStatus
from keylease.domain.events import (
    ClaimAsked,
    ClaimRepeated,
    CredentialClaimed,
    CredentialRotated,
    LeaseClaimed,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
    RotationFailed,
)
from keylease.domain.lease import EndReason, Lease
from keylease.domain.secret import Secret
from keylease.errors import ProviderAmbiguous, ProviderTransient
from keylease.ports.handover import Gone, Shown, Why
from tests.support import build
from tests.support.handover import ANA, PASSWORD, Handover, activated

ANA_S = "slack:T1:UANA"


def texts(scene: Handover, place: str = ANA_S) -> list[str]:
    return [message.text for message in scene.chat.standing(place)]


async def active(scene: Handover, *, id_: str = "evt-active") -> Lease:
    lease = await scene.lease()
    await scene.hear(activated(lease), id_=id_)
    return lease.stored()


async def test_the_holder_alone_gets_a_link_that_works() -> None:
    scene = Handover()

    await active(scene)

    assert [(one.place, one.is_direct) for one in scene.chat.heard] == [(ANA_S, True)]
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_only_the_hash_of_the_token_is_kept() -> None:
    scene = Handover()

    await active(scene)

    claim = (await scene.credential()).claim
    assert claim is not None
    assert claim.token_hash == scene.secrets.digest(scene.link())
    assert claim.claim_by == build.NOW + timedelta(minutes=15)


async def test_the_message_says_until_when_both_last() -> None:
    scene = Handover()

    await active(scene)

    assert texts(scene) == [
        (
            "Your access req-lease-1 is active until 2026-01-01 01:00 UTC. Open the link to see "
            "the credential: it is shown once, to whoever opens it first. Open it by 2026-01-01 "
            "00:15 UTC; for a new link say /access claim req-lease-1."
        )
    ]


async def test_a_link_lasts_no_longer_than_the_access() -> None:
    scene = Handover()
    lease = await scene.lease(not_after=build.NOW + timedelta(minutes=4))

    await scene.hear(activated(lease))

    claim = (await scene.credential()).claim
    assert claim is not None
    assert claim.claim_by == build.NOW + timedelta(minutes=4)
    assert "Open it by 2026-01-01 00:04 UTC" in texts(scene)[0]


async def test_deadlines_are_written_in_the_configured_time_zone() -> None:
    scene = Handover()
    scene.telling = scene.telling.evolve(time_zone="Asia/Shanghai")

    await active(scene)

    assert "active until 2026-01-01 09:00 CST" in texts(scene)[0]


async def test_an_event_that_was_told_of_already_leaves_the_link_alone() -> None:
    scene = Handover()
    lease = await active(scene, id_="evt-a")
    token = scene.link()

    await scene.hear(activated(lease), id_="evt-a")

    assert len(scene.chat.heard) == 1
    assert isinstance(await scene.claim(token), Shown)


async def test_a_try_that_was_cut_off_is_made_again_with_a_new_token() -> None:
    scene = Handover()
    lease = await scene.lease()
    scene.chat.failures.append(ProviderAmbiguous("slack", "OutcomeUnknown"))
    with pytest.raises(ProviderAmbiguous):
        await scene.hear(activated(lease), id_="evt-a")
    lost = (await scene.credential()).claim

    await scene.hear(activated(lease), id_="evt-a")

    renewed = (await scene.credential()).claim
    assert lost is not None
    assert renewed is not None
    assert renewed.token_hash != lost.token_hash
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_a_claimed_credential_gets_no_new_link() -> None:
    scene = Handover()
    lease = await active(scene)
    await scene.claim(scene.link())

    await scene.hear(activated(lease), id_="evt-again")

    assert len(scene.chat.heard) == 1


async def test_a_new_link_replaces_the_old_one_and_its_message() -> None:
    scene = Handover()
    await active(scene)
    old = scene.link()

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="ana"))

    assert await scene.claim(old) == Gone(Why.UNKNOWN)
    assert texts(scene)[0].endswith("this link was replaced by a newer one. Use that one.")
    assert scene.chat.standing(ANA_S)[0].link is None
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_an_old_message_that_cannot_be_changed_does_not_spoil_the_new_link() -> None:
    scene = Handover()
    await active(scene)
    scene.chat.failures.extend([None, ProviderTransient("slack", "NotSent")])

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="ana"))

    assert len(scene.chat.heard) == 2
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_somebody_else_gets_no_link() -> None:
    scene = Handover()
    await active(scene)
    before = await scene.credential()

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="bo"))

    assert await scene.credential() == before
    assert texts(scene, "slack:T1:UBO") == [
        "req-lease-1: there is no new link: you do not hold it."
    ]


async def test_no_link_after_the_credential_was_shown() -> None:
    scene = Handover()
    await active(scene)
    await scene.claim(scene.link())

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="ana"))

    assert texts(scene)[-1] == (
        "req-lease-1: there is no new link: the credential was shown already; release the access "
        "and ask again."
    )


async def test_no_link_to_an_access_that_ends() -> None:
    scene = Handover()
    lease = await active(scene)
    await scene.put(lease.end(EndReason.RELEASED, now=build.NOW))

    await scene.hear(ClaimAsked(request_id="req-lease-1", by="ana"))

    assert texts(scene)[-1].endswith("the access is ending, not active.")


async def test_after_the_claim_the_message_shows_when_it_was() -> None:
    scene = Handover()
    lease = await active(scene)
    await scene.claim(scene.link())

    await scene.hear(LeaseClaimed(**about_lease(lease), credential_id="rmq-demo/kl1#1"))

    (message,) = scene.chat.standing(ANA_S)
    assert message.link is None
    assert message.text == (
        "req-lease-1: the credential was shown on 2026-01-01 00:00 UTC. If that was not you, say "
        "/access release req-lease-1 now."
    )


async def test_a_link_that_nobody_used_goes_with_the_access() -> None:
    scene = Handover()
    lease = await active(scene)
    over = lease.end(EndReason.EXPIRED, now=build.NOW).over(now=build.NOW)
    await scene.put(over)

    await scene.hear(LeaseEnded(**about_lease(lease), reason="expired"))

    assert scene.chat.standing(ANA_S)[0].link is None
    assert texts(scene)[-1] == (
        "Your access req-lease-1 ended at 2026-01-01 00:00 UTC: its time is over. Nothing of it "
        "is left on rmq-demo. If you still need it, ask again with /access request."
    )


async def test_a_lease_on_a_standing_account_needs_no_link() -> None:
    scene = Handover()
    lease = await scene.lease()

    await scene.hear(activated(lease).evolve(credential_id=None))

    (message,) = scene.chat.standing(ANA_S)
    assert message.link is None
    assert "its password stays as it is" in message.text


async def test_without_a_chat_no_token_is_made() -> None:
    scene = Handover()
    scene.directory.put(ANA.evolve(addresses=()))

    await active(scene)

    assert (await scene.credential()).claim is None
    assert [e.action for e in await scene.store.audit()] == ["notify.unreachable"]


async def test_operators_and_the_holder_hear_of_a_spent_link_used_again() -> None:
    scene = Handover()
    await active(scene)
    event = ClaimRepeated(
        credential_id="rmq-demo/kl1#1",
        account_id="rmq-demo/kl1",
        holder="ana",
        first_at=build.NOW,
    )

    await scene.hear(event)

    assert texts(scene, "#ops") == texts(scene)[1:]
    assert "It was shown on 2026-01-01 00:00 UTC" in texts(scene)[-1]


async def test_operators_hear_of_an_end_that_is_stuck() -> None:
    scene = Handover()
    lease = await scene.lease()

    await scene.hear(LeaseStuck(**about_lease(lease), problem="rocketmq: Forbidden.RAM"))

    (text,) = texts(scene, "#ops")
    assert text.startswith("ALARM: the access req-lease-1 of ana on rmq-demo/kl1 is to end")
    assert "rocketmq: Forbidden.RAM" in text


async def test_the_holder_and_the_operators_hear_of_an_access_that_could_not_be_made() -> None:
    scene = Handover()
    lease = await scene.lease()

    await scene.hear(LeaseFailed(**about_lease(lease), problem="rocketmq: InvalidParameter"))

    assert len(texts(scene, "#ops")) == 1
    assert "could not be made: rocketmq: InvalidParameter." in texts(scene)[0]


async def standing(scene: Handover) -> None:
    sealed = scene.secrets.seal(Secret(PASSWORD), context="rmq-demo/svc#2")
    await scene.put(
        build.standing(username="svc", lock=None, credential_id="rmq-demo/svc#2", credentials=2),
        build.credential(
            2,
            id="rmq-demo/svc#2",
            account_id="rmq-demo/svc",
            username="svc",
            rotation_id="rotation-1",
            status=CredentialStatus.CURRENT,
            sealed=sealed,
        ),
    )


ROTATED = CredentialRotated(
    account_id="rmq-demo/svc", credential_id="rmq-demo/svc#2", owner="ana", number=2
)


async def test_the_owner_claims_a_rotated_password() -> None:
    scene = Handover()
    await standing(scene)

    await scene.hear(ROTATED)

    shown = await scene.claim(scene.link())
    assert isinstance(shown, Shown)
    assert shown.password.reveal() == PASSWORD


async def test_the_owner_gets_a_new_link_by_the_accounts_id() -> None:
    scene = Handover()
    await standing(scene)
    await scene.hear(ROTATED)
    scene.clock.advance(timedelta(hours=1))

    await scene.hear(ClaimAsked(request_id="rmq-demo/svc", by="ana"))

    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_only_the_owner_gets_a_link_to_a_rotated_password() -> None:
    scene = Handover()
    await standing(scene)

    await scene.hear(ClaimAsked(request_id="rmq-demo/svc", by="bo"))

    assert [one.message.link for one in scene.chat.heard] == [None]


async def test_after_a_rotated_password_was_shown_its_message_says_so() -> None:
    scene = Handover()
    await standing(scene)
    await scene.hear(ROTATED)
    await scene.claim(scene.link())

    await scene.hear(
        CredentialClaimed(account_id="rmq-demo/svc", credential_id="rmq-demo/svc#2", holder="ana")
    )

    (message,) = scene.chat.standing(ANA_S)
    assert message.link is None
    assert message.text.startswith("rmq-demo/svc: the credential was shown on 2026-01-01 00:00 UTC")


async def test_owner_and_operators_hear_of_a_failed_rotation() -> None:
    scene = Handover()

    await scene.hear(RotationFailed(account_id="rmq-demo/svc", owner="ana", problem="no route"))

    assert texts(scene) == texts(scene, "#ops")
    assert "keylease rotate rmq-demo/svc" in texts(scene)[0]


async def test_token_and_password_are_in_the_link_and_nowhere_else() -> None:
    scene = Handover()
    lease = await active(scene)
    token = scene.link().reveal()
    await scene.claim(Secret(token))
    await scene.hear(LeaseClaimed(**about_lease(lease), credential_id="rmq-demo/kl1#1"))

    texts_ = [
        *(f"{one.message.text}{one.message.fields}{one.message!r}" for one in scene.chat.heard),
        *(repr(message) for _, message in scene.chat.updates),
        *(event.model_dump_json() for event in await scene.said()),
        *(entry.model_dump_json() for entry in await scene.store.audit()),
        *(post.model_dump_json() for post in await scene.posts("rmq-demo/kl1#1")),
        (await scene.credential()).model_dump_json(),
    ]

    assert len(texts_) > 6
    assert not [text for text in texts_ if token in text or PASSWORD in text]
