"""The main job, end to end, without a network: asked, decided, granted, claimed, taken back."""

from datetime import timedelta

from keylease.domain.intake import Ask, GiveReview, Release
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.domain.rotation import Rotation, RotationStep
from keylease.ports.accounts import Login
from keylease.ports.handover import Shown, Spent
from tests.support.build import PUB_ORDERS, REDIS, ROCKETMQ, SUB_ORDERS
from tests.support.simulation import Simulation, simulation

HOUR = timedelta(hours=1)


def kinds(world: Simulation) -> list[str]:
    return [
        event.type.removeprefix("io.keylease.").removesuffix(".v1") for event in world.sink.events
    ]


async def test_an_automatic_lease_lives_and_dies() -> None:
    world = simulation()
    process = await world.boot()

    reply = await process.receive(
        world.arrived("ana", Ask(entitlement="orders", duration=HOUR, reason="INC-1"))
    )
    assert reply.request_id
    await world.calm(process)

    lease = await world.store.load(Lease, f"lease-{reply.request_id}")
    assert lease is not None
    assert lease.status is LeaseStatus.ACTIVE
    username = lease.account_id.partition("/")[2]
    shown = await world.accounts.observe(ROCKETMQ, username=username)
    assert shown.permissions == (SUB_ORDERS,)

    (token,) = world.links("ana")
    claimed = await world.claim(process, token)
    assert isinstance(claimed, Shown)
    again = await world.claim(process, token)
    assert isinstance(again, Spent)

    await world.pass_time(process, HOUR, step=timedelta(minutes=1))
    await world.calm(process)
    lease = await world.store.load(Lease, lease.id)
    assert lease is not None
    assert lease.status is LeaseStatus.ENDED
    assert not (await world.accounts.observe(ROCKETMQ, username=username)).exists
    assert kinds(world) == [
        "request.submitted",
        "request.approved",
        "lease.activated",
        "lease.claimed",
        "claim.repeated",
        "lease.ended",
    ]
    assert await world.store.parked(limit=10) == ()


async def test_a_reviewed_lease_on_redis() -> None:
    world = simulation()
    process = await world.boot()
    reply = await process.receive(
        world.arrived(
            "ana",
            Ask(
                target="rmq-demo",
                permissions=(PUB_ORDERS,),
                duration=HOUR,
                reason="x",
                account="svc_orders",
            ),
        )
    )
    assert reply.request_id
    await world.calm(process)
    request = await world.store.load(Request, reply.request_id)
    assert request is not None
    assert request.status is RequestStatus.IN_REVIEW

    await process.receive(
        world.arrived("ana", GiveReview(request_id=request.id, verdict=Verdict.APPROVE))
    )
    await world.calm(process)
    request = await world.store.load(Request, reply.request_id)
    assert request is not None
    assert request.status is RequestStatus.IN_REVIEW
    await process.receive(
        world.arrived(
            "bo", GiveReview(request_id=request.id, verdict=Verdict.APPROVE, digest=request.digest)
        )
    )
    await world.calm(process)
    lease = await world.store.load(Lease, f"lease-{reply.request_id}")
    assert lease is not None
    assert lease.status is LeaseStatus.ACTIVE, lease

    await process.receive(world.arrived("ana", Release(request_id=request.id)))
    await world.calm(process)
    lease = await world.store.load(Lease, lease.id)
    assert lease is not None
    assert lease.status is LeaseStatus.ENDED, lease


async def test_a_cache_lease_waits_for_the_account() -> None:
    world = simulation()
    process = await world.boot()
    reply = await process.receive(
        world.arrived("ana", Ask(entitlement="cache", duration=HOUR, reason="INC-1"))
    )
    await world.calm(process)
    lease = await world.store.load(Lease, f"lease-{reply.request_id}")
    assert lease is not None
    assert lease.status is LeaseStatus.ACTIVE, lease
    (token,) = world.links("ana")
    shown = await world.claim(process, token)
    assert isinstance(shown, Shown)
    login = await world.accounts.login(REDIS, username=shown.username, password=shown.password)
    assert login is Login.ACCEPTED

    await process.receive(world.arrived("ana", Release(request_id=reply.request_id or "")))
    await world.calm(process)
    login = await world.accounts.login(REDIS, username=shown.username, password=shown.password)
    assert login is Login.REFUSED


async def test_standing_accounts_are_rotated_on_schedule() -> None:
    world = simulation()
    process = await world.boot()
    await world.calm(process)

    await world.pass_time(process, timedelta(days=7, minutes=5), step=timedelta(minutes=30))
    await world.calm(process)

    (rotation,) = await world.store.children(Rotation, "cache-demo/svc_cache", only_open=False)
    assert rotation.step is RotationStep.DONE
    (token,) = world.links("bo")
    shown = await world.claim(process, token)
    assert isinstance(shown, Shown)
    login = await world.accounts.login(REDIS, username="svc_cache", password=shown.password)
    assert login is Login.ACCEPTED
