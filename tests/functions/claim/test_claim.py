"""A credential is revealed at most once, and never burned unseen."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keylease.adapters.memory.accounts import MemoryCloud
from keylease.adapters.memory.faults import Fault
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.access import Target
from keylease.domain.account import AccountKind
from keylease.domain.credential import CredentialStatus
from keylease.domain.lease import EndReason
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured
from keylease.ports.accounts import Endpoint
from keylease.ports.handover import Gone, Offer, Shown, Spent, Why
from keylease.ports.store import Batch
from tests.support import build
from tests.support.handover import PASSWORD, Handover

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_looking_offers_the_credential_and_changes_nothing() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    before = await scene.credential()

    offer = await scene.claim.look(token)

    assert offer == Offer("rmq-demo", datetime(2026, 1, 1, 0, 15, tzinfo=UTC))
    assert await scene.credential() == before
    assert await scene.said() == []
    assert await scene.store.audit() == ()


async def test_claiming_shows_the_password() -> None:
    scene = Handover()
    await scene.lease()

    shown = await scene.claim(await scene.token())

    assert isinstance(shown, Shown)
    assert shown.password.reveal() == PASSWORD
    assert (shown.username, shown.target, shown.product) == ("kl1", "rmq-demo", "rocketmq")
    assert shown.ends_at == datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


async def test_a_claimed_credential_of_a_dedicated_account_is_scrubbed() -> None:
    scene = Handover()
    await scene.lease()

    await scene.claim(await scene.token())

    credential = await scene.credential()
    assert credential.sealed is None
    assert credential.claimed_at == NOW


async def test_a_claim_is_said_and_written_down_once() -> None:
    scene = Handover()
    await scene.lease()

    await scene.claim(await scene.token())

    assert [event.type for event in await scene.said()] == ["io.keylease.lease.claimed.v1"]
    entries = await scene.store.audit()
    assert [(e.action, e.actor, e.subject) for e in entries] == [
        ("credential.claimed", "ana", "req-lease-1")
    ]


async def test_a_second_use_says_when_the_first_was_and_alarms() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    await scene.claim(token)
    scene.clock.advance(timedelta(minutes=20))

    second = await scene.claim(token)

    assert second == Spent("rmq-demo", "ana", NOW, "req-lease-1")
    (said,) = [event for event in await scene.said() if event.type.endswith("claim.repeated.v1")]
    assert said.data["first_at"] == "2026-01-01T00:00:00Z"


async def test_whoever_tries_a_spent_link_again_and_again_is_one_alarm_a_minute() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    await scene.claim(token)

    for _ in range(30):
        await scene.claim(token)
        scene.clock.advance(timedelta(seconds=2))
    first = {event.id for event in await scene.said() if "repeated" in event.type}
    await scene.claim(token)
    second = {event.id for event in await scene.said() if "repeated" in event.type}

    assert len(first) == len(second) == 1
    assert first != second


async def test_looking_at_a_spent_link_does_not_alarm() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    await scene.claim(token)
    await scene.said()

    looked = await scene.claim.look(token)

    assert looked == Spent("rmq-demo", "ana", NOW, "req-lease-1")
    assert await scene.said() == []


async def test_of_64_concurrent_claims_exactly_one_is_shown() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()

    answers = await asyncio.gather(*(scene.claim(token) for _ in range(64)))

    assert sum(isinstance(answer, Shown) for answer in answers) == 1
    assert sum(isinstance(answer, Spent) for answer in answers) == 63


async def test_of_64_concurrent_claims_on_a_real_database_exactly_one_is_shown(
    tmp_path: Path,
) -> None:
    async with open_sqlite(tmp_path / "keylease.db") as store:
        scene = Handover(store=store)
        await scene.lease()
        token = await scene.token()

        answers = await asyncio.gather(*(scene.claim(token) for _ in range(64)))

    assert sum(isinstance(answer, Shown) for answer in answers) == 1
    assert sum(isinstance(answer, Spent) for answer in answers) == 63


async def test_an_unknown_token_leads_nowhere() -> None:
    scene = Handover()
    await scene.lease()
    await scene.token()

    assert await scene.claim.look(Secret("guess")) == Gone(Why.UNKNOWN)
    assert await scene.claim(Secret("guess")) == Gone(Why.UNKNOWN)


async def test_a_link_replaced_by_a_newer_one_leads_nowhere() -> None:
    scene = Handover()
    await scene.lease()
    old = await scene.token()
    await scene.token()

    assert await scene.claim(old) == Gone(Why.UNKNOWN)


async def test_a_late_link_says_for_what_to_ask_a_new_one() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    scene.clock.advance(timedelta(minutes=15))

    assert await scene.claim(token) == Gone(Why.LATE, "req-lease-1")
    assert (await scene.credential()).sealed is not None


@pytest.mark.parametrize("reason", [EndReason.RELEASED, EndReason.REVOKED])
async def test_a_lease_that_ends_is_not_claimed_any_more(reason: EndReason) -> None:
    scene = Handover()
    lease = await scene.lease()
    token = await scene.token()
    await scene.put(lease.evolve(version=1).end(reason, now=NOW))

    assert await scene.claim(token) == Gone(Why.OVER, "req-lease-1")


async def test_a_lease_past_its_end_is_not_claimed_although_nobody_ended_it_yet() -> None:
    scene = Handover()
    await scene.lease(not_after=NOW + timedelta(minutes=5))
    token = await scene.token()
    scene.clock.advance(timedelta(minutes=5))

    assert await scene.claim(token) == Gone(Why.OVER, "req-lease-1")


async def test_a_seal_that_does_not_open_burns_nothing() -> None:
    scene = Handover()
    await scene.lease()
    token = await scene.token()
    before = await scene.credential()
    other_key = Handover(store=scene.store, secrets=MemorySecrets(key_ids=("other",)))

    with pytest.raises(Misconfigured):
        await other_key.claim(token)

    assert await scene.credential() == before


async def test_an_end_that_comes_in_between_wins_over_the_claim() -> None:
    scene = Handover()
    lease = await scene.lease()
    token = await scene.token()

    class EndsMeanwhile(MemoryCloud):
        async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
            ended = lease.evolve(version=1).end(EndReason.REVOKED, now=NOW, by="bo")
            await scene.store.commit(Batch(records=(ended,)))
            return (Endpoint("vpc", target.id, 8080),)

    scene.accounts = EndsMeanwhile(scene.clock)

    assert await scene.claim(token) == Gone(Why.OVER, "req-lease-1")
    assert (await scene.credential()).claimed_at is None


async def test_a_cloud_that_does_not_answer_costs_only_the_addresses() -> None:
    scene = Handover()
    await scene.lease()
    cloud = MemoryCloud(scene.clock)
    cloud.plan("endpoints", Fault.BUSY)
    scene.accounts = cloud

    shown = await scene.claim(await scene.token())

    assert isinstance(shown, Shown)
    assert shown.endpoints == ()


async def rotated(scene: Handover) -> Secret:
    """A standing account's second password, offered to its owner."""
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
    return await scene.token("rmq-demo/svc#2")


async def test_a_rotated_password_stays_sealed_after_its_claim() -> None:
    scene = Handover()
    token = await rotated(scene)

    shown = await scene.claim(token)

    assert isinstance(shown, Shown)
    assert shown.password.reveal() == PASSWORD
    assert (await scene.credential("rmq-demo/svc#2")).sealed is not None
    assert (await scene.claim(token)) == Spent("rmq-demo", "ana", NOW, None)


async def test_a_password_that_was_rotated_again_is_not_claimed() -> None:
    scene = Handover()
    token = await rotated(scene)
    credential = await scene.credential("rmq-demo/svc#2")
    await scene.put(credential.evolve(status=CredentialStatus.PREVIOUS))

    assert await scene.claim(token) == Gone(Why.OVER, "rmq-demo/svc")


async def test_the_password_is_in_no_event_audit_entry_or_record() -> None:
    scene = Handover()
    lease = await scene.lease()
    token = await scene.token()
    await scene.claim(token)
    await scene.claim(token)

    traces = [
        *(event.model_dump_json() for event in await scene.said()),
        *(entry.model_dump_json() for entry in await scene.store.audit()),
        (await scene.credential()).model_dump_json(),
        lease.model_dump_json(),
    ]

    assert not [text for text in traces if PASSWORD in text or token.reveal() in text]
    assert (await scene.account()).account_kind is AccountKind.DEDICATED
