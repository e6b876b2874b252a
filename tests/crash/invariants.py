"""I1 to I14, as far as a finished story shows them; asked of the cloud and the store directly."""

from collections import Counter

from keylease.domain.account import Account, AccountKind
from keylease.domain.credential import Credential
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.rotation import Rotation, RotationStep
from keylease.emulator.world import MqRule
from tests.crash.scripts import Story
from tests.support.build import NOW
from tests.support.simulation import Simulation, standing_rows

FOREVER = NOW.replace(year=2100)


async def holds(story: Story) -> None:
    """After the story came to rest."""
    world = story.world
    leases = world.records(Lease)
    assert all(lease.status is not LeaseStatus.STUCK for lease in leases)
    live = [lease for lease in leases if lease.is_open]
    nothing_without_a_lease(world, live)
    await nothing_waits(world)
    one_effect_per_key(world, leases)
    revealed_once(story)
    said_once_and_in_order(world, leases)
    nothing_in_clear(world, story)


def nothing_without_a_lease(world: Simulation, live: list[Lease]) -> None:
    """I1, I2, I3, I11: the cloud holds the live leases and what stood before, nothing else."""
    wanted = {lease.account_id.partition("/")[2] for lease in live}
    mq = world.cloud.live.rocketmq["rmq-cn-demo0001"]
    cache = world.cloud.live.redis["r-demo0001"]
    there = {a.username for a in mq.accounts} | {a.name for a in cache.accounts}
    assert {name for name in there if name.startswith("kl")} == {
        name for name in wanted if name.startswith("kl")
    }
    if not live:
        assert by_key(mq.rules) == by_key(standing_rows())
        (service,) = (a for a in cache.accounts if a.name == "svc_cache")
        assert service.privilege == "RoleReadOnly"


def by_key(rules: tuple[MqRule, ...]) -> dict[tuple[str, str, str], object]:
    return {r.key: (r.decision, set(r.actions), set(r.ip_whitelists)) for r in rules}


async def nothing_waits(world: Simulation) -> None:
    """Every event was delivered, and none needs a person."""
    assert await world.store.parked(limit=10) == ()
    assert await world.store.parcels(before=FOREVER, limit=10) == ()
    for account in world.records(Account):
        assert account.lock is None
        if account.account_kind is AccountKind.DEDICATED and account.removed_at:
            assert account.intent is None


def one_effect_per_key(world: Simulation, leases: list[Lease]) -> None:
    """I9: one lease per request, and no account made twice."""
    assert len({lease.request_id for lease in leases}) == len(leases)
    made = Counter(
        entry.username
        for entry in world.cloud.journal.entries
        if entry.operation in ("CreateInstanceAccount", "CreateAccount") and entry.code == "OK"
    )
    assert all(times == 1 for times in made.values()), made


def said_once_and_in_order(world: Simulation, leases: list[Lease]) -> None:
    """What happened was said by one event each; sinks may get an event again, with its id."""
    events = list({event.id: event for event in world.sink.events}.values())
    for lease in leases:
        told = [e.type.split(".")[3] for e in events if e.data.get("lease_id") == lease.id]
        path = [word for word in told if word in ("approved", "activated", "ended", "failed")]
        assert path == ["approved", "activated", "ended"], path
    rotated = [e for e in events if e.type == "io.keylease.credential.rotated.v1"]
    done = [r for r in world.records(Rotation) if r.step is RotationStep.DONE]
    assert len(rotated) == len(done)


def revealed_once(story: Story) -> None:
    """I7: no secret was shown twice."""
    times = Counter(shown.password.reveal() for shown in story.shown)
    assert all(n == 1 for n in times.values())


def nothing_in_clear(world: Simulation, story: Story) -> None:
    """I8: no password and no claim token in records, events, audit or any other's message."""
    mq = world.cloud.live.rocketmq["rmq-cn-demo0001"]
    cache = world.cloud.live.redis["r-demo0001"]
    secrets = {shown.password.reveal() for shown in story.shown}
    secrets |= {a.password.get_secret_value() for a in mq.accounts}
    secrets |= {a.password.get_secret_value() for a in cache.accounts}
    secrets |= {token for who in ("ana", "bo", "cy") for token in world.links(who)}
    kept = "\n".join(world.texts())
    assert not [secret for secret in secrets if secret in kept]
    assert all(c.sealed is None for c in world.records(Credential) if not c.is_open)
