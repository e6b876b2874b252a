"""What the whole job asks of the cloud, and what of it is written down."""

import io
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from keylease.converge.admit import lease_id_of
from keylease.domain.account import dedicated_username
from keylease.domain.events import RotationDue
from keylease.domain.lease import LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.request import Verdict
from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.emulator.world import default_world
from keylease.ports.handover import Shown
from keylease.runtime.logging import configure_logging
from keylease.runtime.process import Process
from tests.support.acting import ask, lease_of, release, review
from tests.support.build import PUB_ORDERS
from tests.support.simulation import Simulation, simulation

HOUR = timedelta(hours=1)
ROTATED = ("rmq-demo/svc_orders", "cache-demo/svc_cache")
WRITES_A_PASSWORD = (
    "CreateInstanceAccount",
    "UpdateInstanceAccount",
    "CreateAccount",
    "ResetAccountPassword",
)


async def whole_job(world: Simulation, process: Process) -> list[str]:
    """Leases on both products and a rotation of each kind; returns every password shown."""
    shown = []
    for entitlement in ("orders", "cache"):
        request = await ask(world, process, entitlement=entitlement)
        claimed = await world.claim(process, world.links("ana")[-1])
        assert isinstance(claimed, Shown)
        shown.append(claimed.password.reveal())
        await release(world, process, "ana", request)
        assert (await lease_of(world, request)).status is LeaseStatus.ENDED
    for account_id in ROTATED:
        due = RotationDue(account_id=account_id, asked_by="bo")
        await process.commits.commit(Outcome(events=(due,)))
        await world.calm(process)
        claimed = await world.claim(process, world.links("bo")[-1])
        assert isinstance(claimed, Shown)
        shown.append(claimed.password.reveal())
    return shown


async def test_normal_flow_never_asks_for_a_password() -> None:
    world = simulation()
    process = await world.boot()

    await whole_job(world, process)

    operations = world.cloud.journal.operations()
    assert set(WRITES_A_PASSWORD) <= set(operations)
    assert "GetInstanceAccount" not in operations


@pytest.mark.parametrize("kind", [FaultKind.LOST_RESPONSE, FaultKind.TRUNCATED_JSON])
async def test_a_doubt_is_not_settled_by_asking_for_a_password(kind: FaultKind) -> None:
    world = simulation()
    process = await world.boot()
    for operation in WRITES_A_PASSWORD:
        world.cloud.faults.plan(FaultPlan(operation=operation, kind=kind, times=2))

    await whole_job(world, process)

    assert "GetInstanceAccount" not in world.cloud.journal.operations()


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging(level="debug", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.parametrize(
    "kind", [FaultKind.LOST_RESPONSE, FaultKind.SERVER_ERROR, FaultKind.WRONG_JSON]
)
async def test_a_password_in_a_query_is_in_no_line_and_no_record(
    logs: io.StringIO, kind: FaultKind
) -> None:
    world = simulation()
    process = await world.boot()
    for operation in WRITES_A_PASSWORD:  # failures are what tempts code to log a URL
        world.cloud.faults.plan(FaultPlan(operation=operation, kind=kind, times=2))

    passwords = await whole_job(world, process)

    written = logs.getvalue() + "\n".join(world.texts())
    assert "lease.activated" in written
    assert len(passwords) == 4
    assert [p for p in passwords if p in written] == []
    assert "password=" not in logs.getvalue().lower()


async def test_what_somebody_adds_by_hand_goes_with_the_lease() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, entitlement="orders")
    username = (await lease_of(world, request)).account_id.partition("/")[2]
    shelf = world.cloud.live.rocketmq
    found = shelf["rmq-cn-demo0001"]
    (row,) = [rule for rule in found.rules if rule.username == username]
    by_hand = (
        row.model_copy(update={"resource_name": "payments", "actions": ("Pub", "Sub")}),
        row.model_copy(update={"resource_name": "payments2", "decision": "Deny"}),
    )
    shelf.put(found.model_copy(update={"rules": (*found.rules, *by_hand)}))

    await release(world, process, "ana", request)

    assert (await lease_of(world, request)).status is LeaseStatus.ENDED
    after = shelf["rmq-cn-demo0001"]
    assert [rule for rule in after.rules if rule.username == username] == []
    assert [one for one in after.accounts if one.username == username] == []


async def test_rows_laid_out_for_a_name_give_nothing_when_it_is_made() -> None:
    """The name of a dedicated account can be worked out before it exists."""
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))
    username = dedicated_username(lease_id_of(request.id))
    shelf = world.cloud.live.rocketmq
    found = shelf["rmq-cn-demo0001"]
    laid_out = found.rules[0].model_copy(update={"username": username, "resource_name": "payments"})
    shelf.put(found.model_copy(update={"rules": (*found.rules, laid_out)}))

    request = await review(world, process, "bo", request, Verdict.APPROVE)

    assert (await lease_of(world, request)).status is LeaseStatus.ACTIVE
    rules = [r for r in shelf["rmq-cn-demo0001"].rules if r.username == username]
    assert [(r.resource_name, r.actions) for r in rules] == [("orders", ("Pub",))]


def test_the_default_world_is_the_documented_one() -> None:
    world = default_world()

    (key,), (mq,), (cache,) = world.access_keys, world.rocketmq, world.redis
    assert (key.id, key.secret.get_secret_value(), key.security_token) == (
        "testid",
        "testsecret",
        None,
    )
    assert mq.id == "rmq-cn-demo0001"
    assert [topic.name for topic in mq.topics] == ["orders", "payments"]
    assert [group.name for group in mq.groups] == ["GID_orders", "GID_payments"]
    assert (mq.accounts, mq.rules) == ((), ())
    assert "apache_acl" in mq.acl_types
    assert cache.id == "r-demo0001"
    assert cache.accounts == ()
