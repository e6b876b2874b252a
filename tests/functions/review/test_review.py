"""Who may settle a request, and what happens when many try."""

import asyncio

import pytest

from keylease.domain.intake import GiveReview
from keylease.domain.lease import Lease
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.runtime.process import Process
from tests.support.acting import ask, release, request_of, review, said_to, types
from tests.support.build import PUB_ORDERS
from tests.support.simulation import RULES, Simulation, person, policy_of, simulation, slack

YES, NO = Verdict.APPROVE, Verdict.DENY


async def waiting(world: Simulation, process: Process) -> Request:
    return await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))


async def test_an_approver_settles_it() -> None:
    world = simulation()
    process = await world.boot()

    request = await review(world, process, "bo", await waiting(world, process), YES)

    assert request.status is RequestStatus.APPROVED
    assert [r.reviewer for r in request.reviews] == ["bo"]
    assert request.reviews[0].via == slack("bo")


async def test_one_denial_settles_it() -> None:
    world = simulation()
    process = await world.boot()

    request = await review(world, process, "cy", await waiting(world, process), NO)

    assert request.status is RequestStatus.DENIED
    assert request.settled_because == ("denied by cy",)
    assert world.records(Lease) == []


@pytest.mark.parametrize(("who", "why"), [("ana", "their own"), ("dee", "not among the people")])
async def test_others_do_not_count(who: str, why: str) -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)

    after = await review(world, process, who, request, YES)

    assert after.status is RequestStatus.IN_REVIEW
    assert after.reviews == ()
    assert why in said_to(world, who)


async def test_two_outside_ids_of_one_person_are_one_person() -> None:
    world = simulation()
    double = person("bo", "orders", "leads")
    other = slack("bo-elsewhere")
    world.directory.put(double.evolve(addresses=(*double.addresses, other)))
    process = await world.boot()
    request = await ask(world, process, "bo", target="rmq-demo", permissions=(PUB_ORDERS,))

    after = await review(world, process, "bo-elsewhere", request, YES)

    assert after.status is RequestStatus.IN_REVIEW


async def test_an_old_button_says_that_the_request_has_changed() -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)
    said = GiveReview(request_id=request.id, verdict=YES, digest="0" * 64)

    await process.receive(world.arrived("bo", said))
    await world.calm(process)

    assert (await request_of(world, request.id)).status is RequestStatus.IN_REVIEW
    assert "has changed" in said_to(world, "bo")


async def test_two_approvals_need_two_people() -> None:
    world = simulation()
    rules = [dict(rule) for rule in RULES]
    rules[1]["terms"] = {"max_duration": "4h", "approvals": {"from": ["leads"], "count": 2}}
    world.policy = policy_of(rules)
    process = await world.boot()
    request = await waiting(world, process)

    first = await review(world, process, "bo", request, YES)
    again = await review(world, process, "bo", first, YES)
    second = await review(world, process, "cy", again, YES)

    assert first.status is again.status is RequestStatus.IN_REVIEW
    assert len(again.reviews) == 1
    assert second.status is RequestStatus.APPROVED


async def test_an_approver_who_left_the_group_meanwhile_does_not_count() -> None:
    world = simulation()
    rules = [dict(rule) for rule in RULES]
    rules[1]["terms"] = {"max_duration": "4h", "approvals": {"from": ["leads"], "count": 2}}
    world.policy = policy_of(rules)
    process = await world.boot()
    request = await review(world, process, "bo", await waiting(world, process), YES)
    world.directory.put(person("bo", "orders"))
    world.directory.put(person("eve", "leads"))

    after = await review(world, process, "cy", request, YES)

    assert after.status is RequestStatus.IN_REVIEW


async def test_a_policy_that_was_tightened_meanwhile_denies() -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)
    world.policy = policy_of(
        [*RULES, {"name": "freeze", "deny": True, "may": {"actions": ["Pub"]}, "because": "frozen"}]
    )
    process = await world.boot()

    after = await review(world, process, "bo", request, YES)

    assert after.status is RequestStatus.DENIED
    assert "frozen" in " ".join(after.settled_because)


async def test_races_give_one_end_one_lease_and_one_answer() -> None:
    world = simulation()
    first, second = await world.boot(), await world.boot()
    request = await waiting(world, first)
    said = [
        (who, GiveReview(request_id=request.id, verdict=verdict, digest=request.digest))
        for who in ("bo", "cy", "bo", "cy")
        for verdict in (YES, YES)
    ]

    async with asyncio.TaskGroup() as group:
        for number, (who, word) in enumerate(said):
            worker = (first, second)[number % 2]
            group.create_task(worker.receive(world.arrived(who, word)))
    await world.calm(first)

    assert len(world.records(Lease)) == 1
    assert types(world).count("request.approved") == 1
    assert types(world).count("lease.activated") == 1
    assert len(world.links("ana")) == 1


async def test_a_request_that_was_taken_back_cannot_be_approved() -> None:
    world = simulation()
    process = await world.boot()
    request = await release(world, process, "ana", await waiting(world, process))

    after = await review(world, process, "bo", request, YES)

    assert request.status is after.status is RequestStatus.CANCELLED
    assert "already cancelled" in said_to(world, "bo")


async def test_a_word_that_comes_too_late_does_not_count() -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)
    said = GiveReview(request_id=request.id, verdict=YES, digest=request.digest)
    world.clock.set(request.answer_by)

    await process.receive(world.arrived("bo", said))
    while await process.relay():
        pass
    refused = said_to(world, "bo")
    await world.calm(process)

    assert "the time to answer it is over" in refused
    assert (await request_of(world, request.id)).status is RequestStatus.LAPSED
    assert world.records(Lease) == []


async def test_two_workers_on_one_approval_make_one_lease() -> None:
    world = simulation()
    first, second = await world.boot(), await world.boot()
    request = await waiting(world, first)
    for who in ("bo", "cy"):
        said = GiveReview(request_id=request.id, verdict=YES, digest=request.digest)
        await first.receive(world.arrived(who, said))

    for _ in range(40):
        async with asyncio.TaskGroup() as group:
            group.create_task(first.relay())
            group.create_task(second.relay())
    await world.calm(first)

    # Two workers may hand the same event to a sink; it keeps its id.
    told = {event.id: event.type for event in world.sink.events}.values()
    assert len(world.records(Lease)) == 1
    assert list(told).count("io.keylease.request.approved.v1") == 1
    assert list(told).count("io.keylease.lease.activated.v1") == 1
    made = world.cloud.journal.of("CreateInstanceAccount")
    assert len([entry for entry in made if entry.code == "OK"]) == 1
