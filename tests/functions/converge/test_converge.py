"""Converge against the emulated cloud: refusals, outages, strangers, lost turns."""

from datetime import timedelta
from typing import Any

import pytest

from keylease.adapters.alibaba.accounts import AlibabaAccounts
from keylease.adapters.memory.store import MemoryStore
from keylease.domain.access import Target
from keylease.domain.account import Account
from keylease.domain.events import Event, LeaseEndDue
from keylease.domain.intake import Ask, Release
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.secret import Secret
from keylease.domain.steps import CreateAccount, Observed, PutRow
from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.errors import Conflict
from keylease.runtime.process import Process
from keylease.turn import TURN, Turns
from tests.support.build import BOTH_ORDERS, ROCKETMQ, SUB_ORDERS, permission
from tests.support.simulation import Simulation, simulation

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


async def asked(world: Simulation, process: Process, **fields: object) -> Lease:
    """A lease that Ana was granted without a review, as it stands after a while."""
    said = Ask.model_validate(
        {"entitlement": "orders", "duration": HOUR, "reason": "INC-1", **fields}
    )
    reply = await process.receive(world.arrived("ana", said))
    await world.calm(process)
    return await lease_of(world, f"lease-{reply.request_id}")


async def lease_of(world: Simulation, id_: str) -> Lease:
    lease = await world.store.load(Lease, id_)
    assert lease is not None
    return lease


async def look_again(process: Process, lease: Lease) -> None:
    """Sweep will find it due."""
    again = lease.evolve(retry_at=process.commits.clock.now())
    await process.commits.commit(Outcome(records=(again,)))


def username_of(lease: Lease) -> str:
    return lease.account_id.partition("/")[2]


def fail(world: Simulation, operation: str, **fields: object) -> None:
    defaults: dict[str, object] = {"operation": operation, "kind": FaultKind.SERVER_ERROR}
    world.cloud.faults.plan(FaultPlan.model_validate(defaults | fields, strict=False))


def types(world: Simulation) -> list[str]:
    return [event.type.split(".", 2)[2] for event in world.sink.events]


async def test_a_call_that_will_never_be_accepted_ends_the_lease_as_failed() -> None:
    world = simulation()
    process = await world.boot()
    fail(world, "CreateInstanceAcl", kind=FaultKind.CLIENT_ERROR, code="Topic.Frozen", times=None)

    lease = await asked(world, process)

    assert lease.status is LeaseStatus.FAILED
    assert "Topic.Frozen" in (lease.problem or "")
    shown = await world.accounts.observe(ROCKETMQ, username=username_of(lease))
    assert not shown.exists
    assert "lease.failed.v1" in types(world)
    assert "lease.activated.v1" not in types(world)


async def test_a_topic_that_does_not_exist_is_named() -> None:
    world = simulation()
    process = await world.boot()
    wanted = (permission("topic:oders", "Sub"), permission("group:GID_none", "Sub"))

    lease = await asked(world, process, entitlement=None, target="rmq-demo", permissions=wanted)

    assert lease.status is LeaseStatus.FAILED
    assert lease.problem == "rmq-demo has no group GID_none, no topic oders"
    assert "CreateInstanceAccount" not in world.cloud.journal.operations()


async def test_a_refused_password_is_made_anew() -> None:
    world = simulation()
    process = await world.boot()
    fail(
        world,
        "CreateInstanceAccount",
        kind=FaultKind.CLIENT_ERROR,
        code="InvalidAccountPassword.Format",
        times=2,
    )

    lease = await asked(world, process)

    assert lease.status is LeaseStatus.ACTIVE
    account = await world.store.load(Account, lease.account_id)
    assert account is not None
    assert account.credentials == 3
    assert account.credential_id == f"{lease.account_id}#3"


async def test_a_target_that_refuses_every_password_fails_the_lease() -> None:
    world = simulation()
    process = await world.boot()
    fail(
        world,
        "CreateInstanceAccount",
        kind=FaultKind.CLIENT_ERROR,
        code="InvalidAccountPassword.Format",
        times=None,
    )

    lease = await asked(world, process)
    await world.pass_time(process, timedelta(minutes=10), step=timedelta(seconds=10))

    assert (await lease_of(world, lease.id)).status is LeaseStatus.FAILED


async def test_throttling_is_waited_out() -> None:
    world = simulation()
    process = await world.boot()
    fail(
        world,
        "CreateInstanceAccount",
        kind=FaultKind.THROTTLE,
        retry_after=timedelta(seconds=40),
        times=1,
    )
    lease = await asked(world, process)
    waiting = await lease_of(world, lease.id)

    await world.pass_time(process, timedelta(minutes=2), step=timedelta(seconds=5))

    assert waiting.status is LeaseStatus.ACTIVATING
    assert waiting.retry_at is not None
    assert waiting.retry_at - waiting.approved_at >= timedelta(seconds=40)
    assert (await lease_of(world, lease.id)).status is LeaseStatus.ACTIVE


async def test_a_strangers_account_of_that_name_is_left_as_it_is() -> None:
    world = simulation()
    process = await world.boot()
    message = world.arrived("ana", Ask(entitlement="orders", duration=HOUR, reason="INC-1"))
    reply = await process.receive(message)
    lease_id = f"lease-{reply.request_id}"
    while not await world.store.load(Lease, lease_id):
        # Deliver decide's event only: the stranger comes before converge does.
        (parcel, *_) = (
            p
            for p in await world.store.parcels(before=world.clock.now(), limit=9)
            if p.outgoing.destination == "function:decide"
        )
        await process.deliver(parcel)
    name = username_of(await lease_of(world, lease_id))
    stranger = Secret("Strangers-1")
    await world.accounts.apply(ROCKETMQ, step=CreateAccount(name), password=stranger)
    await world.accounts.apply(ROCKETMQ, step=PutRow(name, BOTH_ORDERS, exists=False))

    await world.calm(process)

    lease = await lease_of(world, lease_id)
    assert lease.status is LeaseStatus.FAILED
    assert "somebody else's account" in (lease.problem or "")
    shown = await world.accounts.observe(ROCKETMQ, username=name)
    assert (shown.exists, shown.enabled, shown.permissions) == (True, True, (BOTH_ORDERS,))


async def test_a_name_that_is_taken_between_look_and_call_is_not_adopted() -> None:
    world = simulation()
    process = await world.boot()
    fail(
        world,
        "CreateInstanceAccount",
        kind=FaultKind.CLIENT_ERROR,
        code="InstanceAccount.Existed",
        status=409,
    )

    lease = await asked(world, process)

    account = await world.store.load(Account, lease.account_id)
    assert account is not None
    assert "DeleteInstanceAccount" not in world.cloud.journal.operations()
    assert lease.status is LeaseStatus.ACTIVE  # nobody was there after all: it was made then


@pytest.mark.parametrize(
    "outage", [timedelta(minutes=1), timedelta(minutes=11), timedelta(hours=6), timedelta(days=2)]
)
async def test_an_end_survives_an_outage_of_any_length(outage: timedelta) -> None:
    world = simulation()
    process = await world.boot()
    lease = await asked(world, process)
    fail(world, "*", times=None)
    await process.receive(world.arrived("ana", Release(request_id=lease.request_id)))
    await world.calm(process, within=SECOND)
    began = world.clock.now()

    looks, waits = [], []
    while world.clock.now() < began + outage:
        await world.pass_time(process, timedelta(seconds=20), step=timedelta(seconds=10))
        current = await lease_of(world, lease.id)
        assert current.is_open
        looks.append(current)
        waits.append((current.retry_at or world.clock.now()) - world.clock.now())
    world.cloud.faults.clear()
    await world.pass_time(process, timedelta(minutes=6), step=timedelta(seconds=10))

    assert max(waits) <= timedelta(minutes=5)
    assert [x.status for x in looks if x.status is LeaseStatus.STUCK] or outage < timedelta(
        minutes=2
    )
    assert types(world).count("lease.stuck.v1") == (1 if outage > timedelta(minutes=2) else 0)
    assert (await lease_of(world, lease.id)).status is LeaseStatus.ENDED
    assert not (await world.accounts.observe(ROCKETMQ, username=username_of(lease))).exists


async def test_a_deadline_passes_during_an_outage_and_nothing_is_granted_afterwards() -> None:
    world = simulation()
    process = await world.boot()
    fail(world, "*", times=None)
    lease = await asked(world, process, duration=timedelta(minutes=10))

    await world.pass_time(process, timedelta(minutes=30), step=timedelta(seconds=30))
    world.cloud.faults.clear()
    await world.pass_time(process, timedelta(minutes=6), step=timedelta(seconds=10))

    assert (await lease_of(world, lease.id)).status is LeaseStatus.ENDED
    assert "lease.activated.v1" not in types(world)
    assert "CreateInstanceAccount" not in [
        entry.operation for entry in world.cloud.journal.entries if entry.code == "OK"
    ]


async def test_an_account_that_is_being_worked_on_is_left_to_its_worker() -> None:
    world = simulation()
    process = await world.boot()
    lease = await asked(world, process)
    turns = Turns(world.store, process.commits, world.clock, world.ids)
    account = await world.store.load(Account, lease.account_id)
    assert account is not None
    await turns.take(account)
    before = len(world.cloud.journal.entries)

    await process.receive(world.arrived("ana", Release(request_id=lease.request_id)))
    await world.calm(process, within=timedelta(seconds=10))
    untouched = len(world.cloud.journal.entries)
    await world.pass_time(process, 2 * TURN, step=timedelta(seconds=5))

    assert untouched == before
    assert (await lease_of(world, lease.id)).status is LeaseStatus.ENDED


async def test_while_somebody_works_on_an_account_a_lease_that_waits_reads_itself_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = simulation()
    process = await world.boot()
    lease = await asked(world, process)
    account = await world.store.load(Account, lease.account_id)
    assert account is not None
    due = LeaseEndDue(
        request_id=lease.request_id,
        lease_id=lease.id,
        account_id=account.id,
        target=account.target_id,
        holder=lease.holder,
    )
    families: list[str] = []
    children = MemoryStore.children

    async def noted(
        store: MemoryStore, kind: type[Lease], parent: str, /, **more: Any
    ) -> tuple[Lease, ...]:
        families.append(parent)
        return await children(store, kind, parent, **more)

    monkeypatch.setattr(MemoryStore, "children", noted)
    event = Event.of(due, id="evt-due", time=world.clock.now())
    await process.run("converge", event)
    free = list(families)
    families.clear()
    await Turns(world.store, process.commits, world.clock, world.ids).take(account)
    await process.run("converge", event.evolve(id="evt-due-again"))

    assert account.id in free
    assert families == []


async def test_the_many_leases_that_wait_for_an_account_are_looked_at_together() -> None:
    world = simulation()
    process = await world.boot()
    said = Ask.model_validate(
        {
            "target": "rmq-demo",
            "account": "svc_orders",
            "permissions": (permission("group:GID_orders", "Sub"),),
            "duration": HOUR,
            "reason": "INC-1",
        }
    )
    for _ in range(20):
        await process.receive(world.arrived("ana", said))

    await world.calm(process)

    leases = world.records(Lease)
    assert [lease.status for lease in leases] == [LeaseStatus.ACTIVE] * 20
    assert len(world.cloud.journal.of("GetConsumerGroup")) < 20


async def test_approvals_that_never_cease_do_not_keep_an_account_from_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = simulation()
    process = await world.boot()
    observe = AlibabaAccounts.observe

    async def observed_while_somebody_approves(
        accounts: AlibabaAccounts, target: Target, /, *, username: str
    ) -> Observed:
        shown = await observe(accounts, target, username=username)
        account = await world.store.load(Account, f"rmq-demo/{username}")
        assert account is not None
        await process.commits.commit(Outcome(records=(account,)))
        return shown

    monkeypatch.setattr(AlibabaAccounts, "observe", observed_while_somebody_approves)
    lease = await asked(world, process)

    assert lease.status is LeaseStatus.ACTIVE
    assert lease.attempts == 0


async def test_a_worker_that_slept_through_its_turn_writes_nothing() -> None:
    world = simulation()
    process = await world.boot()
    lease = await asked(world, process)
    turns = Turns(world.store, process.commits, world.clock, world.ids)
    account = await world.store.load(Account, lease.account_id)
    assert account is not None
    sleeper = await turns.take(account)
    world.clock.advance(TURN)

    other = await turns.take(sleeper)

    assert other.epoch == sleeper.epoch + 1
    with pytest.raises(Conflict):
        await turns.held(account.id, epoch=sleeper.epoch)
    with pytest.raises(Conflict):
        await process.commits.commit(Outcome(records=(sleeper.evolve(lock=None),)))


async def test_a_planner_fault_is_stopped_and_wakes_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = simulation()
    process = await world.boot()

    lease = await asked(world, process, duration=HOUR)
    wide = PutRow(username_of(lease), BOTH_ORDERS, exists=True)
    monkeypatch.setattr("functions.converge.handler.plan", lambda *_: (wide,))
    await look_again(process, lease)
    await world.calm(process)

    shown = await world.accounts.observe(ROCKETMQ, username=username_of(lease))
    assert shown.permissions == (SUB_ORDERS,)
    parked = await world.store.parked(limit=10)
    assert parked
    assert all("nothing allows Pub" in one.reason for one in parked)


async def test_what_somebody_changed_by_hand_on_a_dedicated_account_is_put_right() -> None:
    world = simulation()
    process = await world.boot()
    lease = await asked(world, process)
    by_hand = PutRow(username_of(lease), BOTH_ORDERS, exists=True)
    await world.accounts.apply(ROCKETMQ, step=by_hand)

    await look_again(process, lease)
    await world.calm(process)

    shown = await world.accounts.observe(ROCKETMQ, username=username_of(lease))
    assert shown.permissions == (SUB_ORDERS,)
