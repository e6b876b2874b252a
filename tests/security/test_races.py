"""Many hands on one request at once, with two workers: one end, one lease, one message."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest

from keylease.domain.intake import GiveReview, Release, Said
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.runtime.process import Process
from tests.support.acting import ask, request_of, types
from tests.support.build import PUB_ORDERS
from tests.support.simulation import Simulation, simulation, slack

ENDS = {"request.approved", "request.denied", "request.cancelled", "request.lapsed"}
HANDS = ("approve", "deny", "cancel", "expire", "approve again")


def word(hand: str, request: Request) -> tuple[str, Said] | None:
    match hand:
        case "approve" | "approve again":
            who = "bo" if hand == "approve" else "cy"
            said = GiveReview(request_id=request.id, verdict=Verdict.APPROVE, digest=request.digest)
            return who, said
        case "deny":
            said = GiveReview(request_id=request.id, verdict=Verdict.DENY, digest=request.digest)
            return "cy", said
        case "cancel":
            return "ana", Release(request_id=request.id)
    return None


async def play(world: Simulation, hands: tuple[str, ...]) -> Request:
    """All hands at once, each at one of two workers; then what follows, on both at once."""
    first, second = await world.boot(), await world.boot()
    request = await ask(world, first, target="rmq-demo", permissions=(PUB_ORDERS,))
    if "expire" in hands:
        world.clock.set(request.answer_by - timedelta(milliseconds=1))
    async with asyncio.TaskGroup() as group:
        for number, hand in enumerate(hands):
            worker, said = (first, second)[number % 2], word(hand, request)
            if said is None:
                world.clock.set(request.answer_by)
                group.create_task(worker.tick())
            else:
                group.create_task(worker.receive(world.arrived(*said)))
    await together(world, first, second)
    return await request_of(world, request.id)


async def together(world: Simulation, *workers: Process) -> None:
    for _ in range(60):
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker.relay())
        world.clock.advance(timedelta(milliseconds=200))
    await world.calm(workers[0])


def ends(world: Simulation) -> list[str]:
    """Ends of requests, each event once: a sink may hear one twice, under one id."""
    told = {event.id: event.type for event in world.sink.events}
    shorts = (type_.removeprefix("io.keylease.").removesuffix(".v1") for type_ in told.values())
    return [short for short in shorts if short in ENDS]


@pytest.mark.parametrize("hands", tuple(permutations(HANDS, 3)), ids="-".join)
async def test_one_request_has_one_end(hands: tuple[str, ...]) -> None:
    world = simulation()

    request = await play(world, hands)

    leases = world.records(Lease)
    assert not request.is_open
    assert ends(world) == [f"request.{request.status}"]
    assert len(leases) == (1 if request.status is RequestStatus.APPROVED else 0)
    assert all(one.status in {LeaseStatus.ACTIVE, LeaseStatus.ENDED} for one in leases)
    made = [e for e in world.cloud.journal.of("CreateInstanceAccount") if e.code == "OK"]
    assert len(made) <= len(leases)
    assert len(world.links("ana")) <= 1
    assert await world.store.parked(limit=1) == ()


async def test_a_double_click_on_two_workers_is_one_answer_to_the_requester() -> None:
    world = simulation()

    request = await play(world, ("approve", "approve", "approve", "approve"))

    assert request.status is RequestStatus.APPROVED
    assert len(request.reviews) == 1
    place = str(slack("ana"))
    said = [h.message.text for h in world.chat.heard if h.place == place]
    assert len([text for text in said if "is approved by" in text]) == 1
    assert len(world.links("ana")) == 1


async def test_a_cancel_after_the_approval_leaves_nothing() -> None:
    world = simulation()

    request = await play(world, ("approve", "cancel"))

    await together(world, await world.boot(), await world.boot())
    live = world.cloud.live.rocketmq["rmq-cn-demo0001"]
    assert request.status in {RequestStatus.APPROVED, RequestStatus.CANCELLED}
    assert all(lease.status is LeaseStatus.ENDED for lease in world.records(Lease))
    assert [a.username for a in live.accounts if a.username.startswith("kl")] == []


async def test_two_workers_end_one_lease_once() -> None:
    world = simulation()
    first, second = await world.boot(), await world.boot()
    request = await ask(world, first, entitlement="orders")

    async with asyncio.TaskGroup() as group:
        for worker in (first, second) * 3:
            said = Release(request_id=request.id)
            group.create_task(worker.receive(world.arrived("ana", said)))
    await together(world, first, second)

    told = {event.id: event.type for event in world.sink.events}
    assert list(told.values()).count("io.keylease.lease.ended.v1") == 1
    assert types(world).count("lease.failed") == 0
    deleted = [e for e in world.cloud.journal.of("DeleteInstanceAccount") if e.code == "OK"]
    assert len(deleted) == 1
