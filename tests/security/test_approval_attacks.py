"""Attempts to get access that nobody rightfully approved, against the whole job."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from keylease.adapters.memory.directory import MemoryCatalog
from keylease.domain.access import Product
from keylease.domain.intake import Ask, GiveReview
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.people import ExternalId, Principal
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.policy.evaluate import Policy
from keylease.runtime.process import Process
from tests.support.acting import ask, lease_of, request_of, review, said_to
from tests.support.build import BOTH_ORDERS, PUB_ORDERS, REDIS, ROCKETMQ, SUB_ORDERS
from tests.support.simulation import RULES, TICK, Simulation, person, policy_of, simulation, slack

YES = Verdict.APPROVE
HOUR = timedelta(hours=1)


def rules_with(approvals: dict[str, Any] | None, *more: dict[str, Any]) -> Policy:
    """The usual rules; those that write ask for these approvals."""
    rules = [dict(rule) for rule in RULES]
    rules[1]["terms"] = {"max_duration": "4h", **({"approvals": approvals} if approvals else {})}
    return policy_of([*rules, *more])


async def waiting(world: Simulation, process: Process, who: str = "ana") -> Request:
    return await ask(world, process, who, target="rmq-demo", permissions=(PUB_ORDERS,))


def nothing_given(world: Simulation) -> bool:
    """No lease, and no call that changes anything at the cloud."""
    reads = {"ListInstanceAccount", "ListInstanceAcl", "GetTopic", "GetConsumerGroup"}
    return not world.records(Lease) and set(world.cloud.journal.operations()) <= reads


async def test_a_member_of_the_approver_group_does_not_approve_their_own() -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process, "bo")

    after = await review(world, process, "bo", request, YES)

    assert after.status is RequestStatus.IN_REVIEW
    assert "nobody reviews their own request" in said_to(world, "bo")
    assert nothing_given(world)


async def test_a_second_chat_id_of_the_requester_does_not_approve() -> None:
    world = simulation()
    bo = person("bo", "orders", "leads")
    world.directory.put(bo.evolve(addresses=(*bo.addresses, slack("bo2"))))
    process = await world.boot()
    request = await waiting(world, process, "bo")

    after = await review(world, process, "bo2", request, YES)

    assert (after.status, after.reviews) == (RequestStatus.IN_REVIEW, ())
    assert nothing_given(world)


async def test_two_chat_ids_of_one_approver_are_one_approval() -> None:
    world = simulation()
    world.policy = rules_with({"from": ["leads"], "count": 2})
    bo = person("bo", "orders", "leads")
    world.directory.put(bo.evolve(addresses=(*bo.addresses, slack("bo2"))))
    process = await world.boot()
    request = await review(world, process, "bo", await waiting(world, process), YES)

    after = await review(world, process, "bo2", request, YES)

    assert (after.status, len(after.reviews)) == (RequestStatus.IN_REVIEW, 1)
    assert nothing_given(world)


async def test_an_address_that_two_principals_claim_is_nobodys() -> None:
    world = simulation()
    world.directory.put(
        Principal(id="mallory", groups=frozenset({"leads"}), addresses=(slack("bo"),))
    )
    process = await world.boot()
    request = await waiting(world, process)

    after = await review(world, process, "bo", request, YES)

    assert after.status is RequestStatus.IN_REVIEW
    assert nothing_given(world)


async def test_a_workload_in_the_approver_group_does_not_approve() -> None:
    world = simulation()
    world.directory.put(person("robot", "leads").evolve(is_workload=True))
    process = await world.boot()
    request = await waiting(world, process)

    after = await review(world, process, "robot", request, YES)

    assert after.status is RequestStatus.IN_REVIEW
    assert nothing_given(world)


async def test_an_approver_of_one_target_does_not_approve_on_another() -> None:
    world = simulation()
    world.policy = rules_with({"from": ["mq-leads"], "count": 1})
    world.directory.put(person("mo", "mq-leads"))
    process = await world.boot()
    request = await waiting(world, process)

    after = await review(world, process, "cy", request, YES)

    assert after.status is RequestStatus.IN_REVIEW
    assert "not among the people" in said_to(world, "cy")
    assert nothing_given(world)


async def test_a_review_counts_for_the_request_that_it_was_given_on() -> None:
    world = simulation()
    process = await world.boot()
    one = await waiting(world, process)
    other = await ask(world, process, target="rmq-demo", permissions=(BOTH_ORDERS,))
    said = GiveReview(request_id=other.id, verdict=YES, digest=one.digest)

    await process.receive(world.arrived("bo", said))
    await world.calm(process)

    assert (await request_of(world, other.id)).status is RequestStatus.IN_REVIEW
    assert nothing_given(world)


async def test_a_stored_request_whose_words_were_changed_voids_the_button() -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)
    longer = request.evolve(asked=request.asked.evolve(duration=4 * HOUR))

    after = await review(world, process, "bo", longer, YES)

    assert longer.digest != request.digest
    assert after.status is RequestStatus.IN_REVIEW
    assert "has changed" in said_to(world, "bo")


TIGHTER = {
    "more approvals": {"from": ["leads"], "count": 2},
    "other approvers": {"from": ["owners"], "count": 1},
}


@pytest.mark.parametrize("approvals", TIGHTER.values(), ids=TIGHTER.keys())
async def test_terms_that_changed_while_it_waited_are_asked_anew(approvals: dict[str, Any]) -> None:
    world = simulation()
    world.directory.put(person("olga", "owners"))
    world.directory.put(person("paul", "owners"))
    request = await waiting(world, await world.boot())
    world.policy = rules_with(approvals)
    process = await world.boot()

    after = await review(world, process, "bo", request, YES)
    old_button = await review(world, process, "cy", request, YES)

    assert (after.status, after.reviews) == (RequestStatus.IN_REVIEW, ())
    assert (old_button.status, old_button.reviews) == (RequestStatus.IN_REVIEW, ())
    assert after.digest != request.digest
    assert "has changed" in said_to(world, "bo")
    assert nothing_given(world)


async def test_what_is_asked_anew_can_be_approved_by_the_button_that_stands_now() -> None:
    world = simulation()
    request = await waiting(world, await world.boot())
    world.policy = rules_with(TIGHTER["more approvals"])
    process = await world.boot()
    after = await review(world, process, "bo", request, YES)
    (shown,) = [m for m in world.chat.standing(str(slack("cy"))) if m.buttons]
    request_id, _, digest = shown.buttons[0].value.partition(":")

    for who in ("bo", "cy"):
        said = GiveReview(request_id=request_id, verdict=YES, digest=digest)
        await process.receive(world.arrived(who, said))
        await world.calm(process)

    settled = await request_of(world, request.id)
    assert digest == after.digest
    assert settled.status is RequestStatus.APPROVED
    assert {r.reviewer for r in settled.reviews} == {"bo", "cy"}
    assert (await lease_of(world, settled)).status is LeaseStatus.ACTIVE


async def test_an_unrelated_change_of_the_policy_voids_nothing() -> None:
    world = simulation()
    request = await waiting(world, await world.boot())
    unrelated = {"name": "none", "deny": True, "may": {"topics": ["ledger"]}, "because": "no"}
    world.policy = policy_of([*RULES, unrelated])
    process = await world.boot()

    after = await review(world, process, "bo", request, YES)

    assert after.status is RequestStatus.APPROVED


Change = Callable[[Simulation], None]


def _freeze(world: Simulation) -> None:
    frozen = {"name": "freeze", "deny": True, "may": {"actions": ["Pub"]}, "because": "frozen"}
    world.policy = policy_of([*RULES, frozen])


def _more_approvals(world: Simulation) -> None:
    world.policy = rules_with({"from": ["leads"], "count": 2})


def _other_approvers(world: Simulation) -> None:
    world.policy = rules_with({"from": ["owners"], "count": 1})
    world.directory.put(person("olga", "owners"))


def _approver_leaves(world: Simulation) -> None:
    world.directory.remove("bo")


def _approver_changes_group(world: Simulation) -> None:
    world.directory.put(person("bo", "orders"))


def _requester_leaves(world: Simulation) -> None:
    world.directory.remove("ana")


def _requester_changes_group(world: Simulation) -> None:
    world.directory.put(person("ana"))


def _target_is_tagged(world: Simulation) -> None:
    no_prod = {
        "name": "no-prod",
        "deny": True,
        "may": {"labels": {"env": "prod"}},
        "because": "prod is closed",
    }
    world.policy = policy_of([*RULES, no_prod])
    tagged = ROCKETMQ.evolve(labels={"env": "prod"})
    world.catalog = MemoryCatalog(targets=(tagged, REDIS), standing=world.catalog.standing())


CHANGES: tuple[Change, ...] = (
    _freeze,
    _more_approvals,
    _other_approvers,
    _approver_leaves,
    _approver_changes_group,
    _requester_leaves,
    _requester_changes_group,
    _target_is_tagged,
)


async def approved_but_not_granted(world: Simulation) -> Request:
    """Approved, and the process dies before converge hears of it."""
    process = await world.boot()
    request = await waiting(world, process)
    said = GiveReview(request_id=request.id, verdict=YES, digest=request.digest)
    await process.receive(world.arrived("bo", said))
    await process.relay()  # review, and nothing after it
    approved = await request_of(world, request.id)
    assert approved.status is RequestStatus.APPROVED
    assert nothing_given(world) or world.records(Lease)[0].status is LeaseStatus.PENDING
    return approved


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__.strip("_"))
async def test_what_changed_between_approval_and_grant_stops_the_grant(change: Change) -> None:
    world = simulation()
    request = await approved_but_not_granted(world)
    change(world)
    process = await world.boot()

    world.clock.advance(TICK)
    await world.calm(process)

    lease = await lease_of(world, request)
    assert lease.status is LeaseStatus.FAILED, lease
    assert lease.problem
    assert "CreateInstanceAccount" not in world.cloud.journal.operations()


async def test_an_automatic_approval_does_not_outlive_the_rule_that_gave_it() -> None:
    world = simulation()
    world.policy = rules_with(None)
    process = await world.boot()
    said = Ask(target="rmq-demo", permissions=(PUB_ORDERS,), duration=HOUR, reason="INC-1")
    reply = await process.receive(world.arrived("ana", said))
    await process.relay()  # decide, and nothing after it
    world.policy = rules_with({"from": ["leads"], "count": 1})
    process = await world.boot()

    await world.calm(process)

    lease = await lease_of(world, await request_of(world, reply.request_id or ""))
    assert lease.status is LeaseStatus.FAILED
    assert "approvals" in (lease.problem or "")
    assert "CreateInstanceAccount" not in world.cloud.journal.operations()


@pytest.mark.parametrize(
    "permissions", [(PUB_ORDERS,), (SUB_ORDERS.evolve(whitelist=frozenset({"10.0.0.0/8"})),)]
)
async def test_an_entitlement_is_not_mixed_with_words_of_the_asker(permissions: Any) -> None:
    world = simulation()
    process = await world.boot()
    said = Ask(entitlement="orders", permissions=permissions, duration=HOUR, reason="INC-1")

    reply = await process.receive(world.arrived("ana", said))

    assert reply.refused
    assert world.records(Request) == []


async def test_an_account_of_another_target_cannot_be_named() -> None:
    world = simulation()
    process = await world.boot()
    said = Ask(
        target="rmq-demo",
        permissions=(SUB_ORDERS,),
        account="svc_cache",
        duration=HOUR,
        reason="INC-1",
    )

    reply = await process.receive(world.arrived("ana", said))

    assert reply.refused
    assert "no account is called 'svc_cache'" in reply.text
    assert world.records(Request) == []


async def test_a_catalog_that_moves_a_target_to_another_product_grants_nothing() -> None:
    world = simulation()
    request = await approved_but_not_granted(world)
    moved = ROCKETMQ.evolve(product=Product.REDIS, instance_id=REDIS.instance_id)
    world.catalog = MemoryCatalog(targets=(moved, REDIS), standing=world.catalog.standing())
    process = await world.boot()

    await world.calm(process)

    lease = await lease_of(world, request)
    assert lease.status is not LeaseStatus.ACTIVE
    assert "CreateAccount" not in world.cloud.journal.operations()


@pytest.mark.parametrize("tenant", ["T2", "t1", "T1 "])
async def test_the_same_user_id_in_another_workspace_is_a_stranger(tenant: str) -> None:
    world = simulation()
    process = await world.boot()
    request = await waiting(world, process)
    said = GiveReview(request_id=request.id, verdict=YES, digest=request.digest)
    elsewhere = ExternalId(platform="slack", tenant=tenant, subject="UBO")

    reply = await process.receive(world.arrived("bo", said).evolve(sender=elsewhere))
    await world.calm(process)

    assert reply.refused
    assert (await request_of(world, request.id)).status is RequestStatus.IN_REVIEW


async def test_many_small_leases_give_no_more_than_one_asks_for() -> None:
    world = simulation()
    process = await world.boot()

    requests = [
        await ask(world, process, entitlement="orders", duration=8 * HOUR) for _ in range(5)
    ]
    await world.pass_time(process, 8 * HOUR + timedelta(minutes=5), step=timedelta(minutes=1))

    leases = [await lease_of(world, request) for request in requests]
    assert all(lease.not_after <= lease.approved_at + 8 * HOUR for lease in leases)
    assert {lease.status for lease in leases} == {LeaseStatus.ENDED}
    live = world.cloud.live.rocketmq["rmq-cn-demo0001"]
    assert [a.username for a in live.accounts if a.username.startswith("kl")] == []
    assert [r for r in live.rules if r.username.startswith("kl")] == []


@pytest.mark.parametrize("duration", [timedelta(hours=9999), timedelta(days=366), 9 * HOUR])
async def test_no_duration_is_longer_than_the_rule(duration: timedelta) -> None:
    world = simulation()
    process = await world.boot()
    said = Ask(entitlement="orders", duration=duration, reason="INC-1")

    reply = await process.receive(world.arrived("ana", said))
    await world.calm(process)

    if reply.request_id:
        request = await request_of(world, reply.request_id)
        assert request.status is RequestStatus.DENIED
        assert any("8h" in reason for reason in request.settled_because)
    assert nothing_given(world)
