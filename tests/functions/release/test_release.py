"""Ending early: by the holder, by who may approve, by nobody else."""

from keylease.domain.lease import EndReason, LeaseStatus
from keylease.domain.request import RequestStatus, Verdict
from tests.support.acting import ask, lease_of, release, review, said_to, types
from tests.support.build import PUB_ORDERS
from tests.support.simulation import simulation


async def test_the_holder_releases() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")

    await release(world, process, "ana", request)

    lease = await lease_of(world, request)
    assert (lease.status, lease.end_reason, lease.ended_by) == (
        LeaseStatus.ENDED,
        EndReason.RELEASED,
        "ana",
    )


async def test_an_approver_revokes() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))
    request = await review(world, process, "bo", request, Verdict.APPROVE)

    await release(world, process, "cy", request)

    lease = await lease_of(world, request)
    assert (lease.status, lease.end_reason) == (LeaseStatus.ENDED, EndReason.REVOKED)


async def test_a_stranger_ends_nothing() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")

    await release(world, process, "dee", request)

    assert (await lease_of(world, request)).status is LeaseStatus.ACTIVE
    assert "only its holder" in said_to(world, "dee")


async def test_an_open_request_is_taken_back() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))

    request = await release(world, process, "ana", request)

    assert request.status is RequestStatus.CANCELLED


async def test_releasing_twice_is_once() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")

    await release(world, process, "ana", request)
    await release(world, process, "ana", request)

    assert types(world).count("lease.ended") == 1


async def test_what_is_not_there_is_not_released() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, "dee", entitlement="orders")
    assert request.status is RequestStatus.DENIED

    await release(world, process, "dee", request)

    assert types(world) == ["request.submitted", "request.denied"]
