"""What the policy says to a request, and what becomes of it."""

from datetime import timedelta

from keylease.domain.decision import Effect
from keylease.domain.lease import Lease
from keylease.domain.request import RequestStatus
from tests.support.acting import HOUR, ask, lease_of, said_to, types
from tests.support.build import PUB_ORDERS, READ, SUB_ORDERS, permission
from tests.support.simulation import simulation


async def test_a_permitted_request_has_a_lease_and_the_deciding_rule() -> None:
    world = simulation()

    request = await ask(world, await world.boot(), entitlement="orders")

    assert request.status is RequestStatus.APPROVED
    assert request.decision is not None
    assert str(request.decision.rule) == "orders-read (policy.yaml:1)"
    assert request.decision.policy_digest == world.policy.digest
    assert request.decision.facts["principal"]
    assert (await lease_of(world, request)).request_id == request.id


async def test_a_refusal_names_every_unmet_condition_to_the_requester() -> None:
    world = simulation()

    request = await ask(
        world,
        await world.boot(),
        "dee",
        target="rmq-demo",
        permissions=(SUB_ORDERS,),
        duration=timedelta(hours=9),
    )

    assert request.status is RequestStatus.DENIED
    assert len(request.settled_because) == 2
    told = said_to(world, "dee")
    assert all(reason in told for reason in request.settled_because)
    assert any("8h" in reason for reason in request.settled_because)
    assert any("orders" in reason for reason in request.settled_because)


async def test_what_needs_people_waits_for_them() -> None:
    world = simulation()

    request = await ask(world, await world.boot(), target="rmq-demo", permissions=(PUB_ORDERS,))

    assert request.status is RequestStatus.IN_REVIEW
    assert request.decision is not None
    assert request.decision.effect is Effect.REVIEW
    assert types(world) == ["request.submitted", "request.review_needed"]
    assert world.records(Lease) == []


async def test_an_unanswered_request_lapses() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))

    await world.pass_time(process, timedelta(hours=25), step=timedelta(minutes=30))

    (lapsed,) = [one for one in world.records(type(request)) if one.id == request.id]
    assert lapsed.status is RequestStatus.LAPSED
    assert types(world)[-1] == "request.lapsed"


async def test_a_lost_event_is_made_good_by_sweep() -> None:
    world = simulation()
    process = await world.boot()
    world.store._outbox.clear()
    request = await ask(world, process, entitlement="orders")
    assert request.status is RequestStatus.APPROVED

    lost = await ask(world, process, entitlement="orders", reason="INC-2")
    world.store._outbox.clear()
    await world.pass_time(process, timedelta(minutes=2), step=timedelta(seconds=5))

    assert (await lease_of(world, lost)).activated_at is not None


async def test_leases_that_one_row_could_serve_only_by_widening_are_refused() -> None:
    world = simulation()
    process = await world.boot()
    ten = permission("topic:payments", "Sub", "10.0.0.0/8")
    await ask(world, process, target="rmq-demo", permissions=(ten,), account="svc_orders")

    # The group's row stood there before, from everywhere: a narrower lease fits into it.
    fits = await ask(
        world,
        process,
        target="rmq-demo",
        account="svc_orders",
        permissions=(permission("group:GID_payments", "Sub", "192.168.0.0/16"),),
    )
    # The topic's row gives Pub from 10/8 since before: Sub from elsewhere would widen it.
    clashes = await ask(
        world, process, target="rmq-demo", account="svc_orders", permissions=(SUB_ORDERS,)
    )

    assert fits.status is RequestStatus.APPROVED
    lease = await lease_of(world, clashes)
    assert not lease.is_open
    assert "dedicated account" in (lease.problem or "")


async def test_a_full_target_says_so() -> None:
    world = simulation()
    process = await world.boot()
    limit = 16
    for number in range(limit):
        await ask(world, process, entitlement="cache", reason=f"INC-{number}")

    refused = await ask(world, process, entitlement="cache", reason="one too many")

    assert refused.status is RequestStatus.DENIED
    assert refused.settled_because == (
        "all 16 accounts that keylease may hold on cache-demo are in use",
    )


async def test_a_slot_is_given_back_with_the_account() -> None:
    world = simulation()
    process = await world.boot()
    for number in range(16):
        await ask(
            world,
            process,
            target="cache-demo",
            permissions=(READ,),
            reason=f"INC-{number}",
            duration=timedelta(minutes=30),
        )

    await world.pass_time(process, HOUR, step=timedelta(seconds=20))
    request = await ask(world, process, entitlement="cache", reason="now there is room")

    assert request.status is RequestStatus.APPROVED
