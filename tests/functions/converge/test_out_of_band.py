"""What others change behind our back: catalog, cloud, directory, keys. Nothing is dropped."""

from datetime import timedelta

import pytest

from keylease.adapters.memory.directory import MemoryCatalog
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.domain.account import Account
from keylease.domain.credential import Sealed
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured
from tests.support.acting import ask, lease_of, release, said_to, types
from tests.support.build import PUB_ORDERS, REDIS, ROCKETMQ, SUB_ORDERS
from tests.support.simulation import STANDING, Simulation, policy_of, simulation

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FREE = policy_of(
    [
        {
            "name": "orders",
            "who": {"groups": ["orders"]},
            "may": {
                "target": "rmq-demo",
                "topics": ["*"],
                "actions": ["Pub", "Sub"],
                "accounts": ["svc_*"],
            },
            "terms": {"max_duration": "8h"},
        }
    ]
)


def without_rocketmq(world: Simulation) -> MemoryCatalog:
    return MemoryCatalog(targets=(REDIS,), entitlements=world.catalog.entitlements())


def delete_service(world: Simulation, *, keeps_rows: bool) -> None:
    """Somebody removes the service's account, and the service its rows, or not."""
    shelf = world.cloud.live.rocketmq
    found = shelf["rmq-cn-demo0001"]
    changes = {
        "accounts": tuple(a for a in found.accounts if a.username != "svc_orders"),
        "rules": tuple(r for r in found.rules if keeps_rows or r.username != "svc_orders"),
    }
    shelf.put(found.model_copy(update=changes))


async def test_an_end_on_a_target_that_left_the_catalog_is_alarmed_and_kept() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")
    whole, world.catalog = world.catalog, without_rocketmq(world)
    process = await world.boot()

    await world.pass_time(process, 2 * HOUR, step=MINUTE)
    stuck = await lease_of(world, request)
    parked = await world.store.parked(limit=1000)
    world.catalog = whole
    process = await world.boot()
    await world.pass_time(process, 6 * MINUTE, step=timedelta(seconds=10))

    assert stuck.status is LeaseStatus.STUCK
    assert stuck.problem == "target rmq-demo is gone from the catalog; put it back"
    assert types(world).count("lease.stuck") == 1
    assert len(parked) == 1  # it wakes a person once, not at every try
    assert (await lease_of(world, request)).status is LeaseStatus.ENDED


async def test_leases_on_a_lost_target_do_not_keep_others_from_their_end() -> None:
    world = simulation()
    process = await world.boot()
    for _ in range(3):
        await ask(world, process, entitlement="orders")
    healthy = await ask(world, process, entitlement="cache", duration=2 * HOUR)
    world.catalog = without_rocketmq(world)
    process = await world.boot()

    await world.pass_time(process, 2 * HOUR + 2 * MINUTE, step=timedelta(seconds=30))

    assert (await lease_of(world, healthy)).status is LeaseStatus.ENDED
    now = world.clock.now()
    due = await world.store.due(Lease, before=now - 10 * MINUTE, limit=10)
    assert due == ()  # each lost lease waits for its next try, none stays at the head


async def test_a_standing_account_that_is_gone_ends_its_leases_in_words() -> None:
    world = simulation()
    world.policy = FREE
    process = await world.boot()
    delete_service(world, keeps_rows=True)

    request = await ask(
        world, process, target="rmq-demo", permissions=(SUB_ORDERS,), account="svc_orders"
    )

    assert (await lease_of(world, request)).status is LeaseStatus.FAILED
    assert "the target has no account svc_orders" in said_to(world, "ana")


@pytest.mark.parametrize("keeps_rows", [True, False])
async def test_a_lease_ends_on_a_standing_account_that_somebody_deleted(
    *, keeps_rows: bool
) -> None:
    world = simulation()
    world.policy = FREE
    process = await world.boot()
    request = await ask(
        world, process, target="rmq-demo", permissions=(PUB_ORDERS,), account="svc_orders"
    )
    active = await lease_of(world, request)
    delete_service(world, keeps_rows=keeps_rows)

    await release(world, process, "ana", request)

    assert active.status is LeaseStatus.ACTIVE
    assert (await lease_of(world, request)).status is LeaseStatus.ENDED
    assert await world.store.parked(limit=1) == ()


async def test_a_full_cache_at_the_cloud_is_waited_for_until_there_is_room() -> None:
    world = simulation()
    process = await world.boot()
    shelf = world.cloud.live.redis
    before = shelf["r-demo0001"]
    template = next(a for a in before.accounts if a.name == "svc_cache")
    others = tuple(template.model_copy(update={"name": f"other_{n}"}) for n in range(17))
    shelf.put(before.model_copy(update={"accounts": (*before.accounts, *others)}))

    request = await ask(world, process, entitlement="cache")
    waiting = await lease_of(world, request)
    shelf.put(before.model_copy(update={"accounts": (*before.accounts, *others[1:])}))
    await world.pass_time(process, 7 * MINUTE, step=timedelta(seconds=10))

    assert waiting.status is LeaseStatus.ACTIVATING
    assert "AccountLimitExceeded" in (waiting.problem or "")
    assert (await lease_of(world, request)).status is LeaseStatus.ACTIVE


async def test_a_principal_who_left_keeps_nothing_past_the_deadline() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")
    world.directory.remove("ana")

    await world.pass_time(process, HOUR + MINUTE, step=timedelta(seconds=10))

    lease = await lease_of(world, request)
    assert lease.status is LeaseStatus.ENDED
    username = lease.account_id.partition("/")[2]
    assert not (await world.accounts.observe(ROCKETMQ, username=username)).exists
    assert await world.store.parked(limit=1) == ()


class LostKey(MemorySecrets):
    """The sealing key was taken away."""

    def open(self, sealed: Sealed, /, *, context: str) -> Secret:
        del sealed, context
        msg = "key k1 is not configured any more"
        raise Misconfigured(msg)


async def test_a_lost_sealing_key_is_said_once_and_the_lease_waits() -> None:
    world = simulation()
    world.secrets, whole = LostKey(), world.secrets
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")
    await world.pass_time(process, 10 * MINUTE, step=timedelta(seconds=10))
    waiting = await lease_of(world, request)
    parked = await world.store.parked(limit=100)

    world.secrets = whole
    process = await world.boot()
    await world.pass_time(process, 7 * MINUTE, step=timedelta(seconds=10))

    assert waiting.problem == "key k1 is not configured any more"
    assert len(parked) == 1
    assert (await lease_of(world, request)).status is LeaseStatus.ACTIVE


async def test_a_lease_ends_while_the_sealing_key_is_lost() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")
    world.secrets = LostKey()
    process = await world.boot()

    await release(world, process, "ana", request)

    assert (await lease_of(world, request)).status is LeaseStatus.ENDED


async def test_a_standing_account_that_left_the_catalog_is_not_rotated_any_more() -> None:
    world = simulation()
    process = await world.boot()
    await world.calm(process)
    kept = tuple(s for s in world.catalog.standing() if s.id == STANDING.id)
    world.catalog = MemoryCatalog(targets=world.catalog.targets(), standing=kept)
    process = await world.boot()

    await world.pass_time(process, timedelta(days=8), step=HOUR)

    account = await world.store.load(Account, "cache-demo/svc_cache")
    assert account is not None
    assert (account.rotation, account.rotate_at, account.credentials) == (None, None, 0)
    assert "ResetAccountPassword" not in world.cloud.journal.operations()


async def test_a_clock_that_jumps_back_delays_work_and_loses_none() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders", duration=HOUR)
    deadline = (await lease_of(world, request)).not_after

    await world.pass_time(process, 30 * MINUTE, step=MINUTE)
    world.clock.set(world.clock.now() - 20 * MINUTE)
    other = await ask(world, process, entitlement="cache", duration=HOUR)
    await world.pass_time(process, deadline - world.clock.now() + MINUTE, step=MINUTE)

    ended = await lease_of(world, request)
    assert ended.not_after == deadline
    assert ended.status is LeaseStatus.ENDED
    assert (await lease_of(world, other)).status is LeaseStatus.ACTIVE
