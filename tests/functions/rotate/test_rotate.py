"""A new secret for a standing account: refused passwords, busy targets, outages, missed turns."""

from datetime import timedelta

import pytest

from keylease.domain.account import Account
from keylease.domain.credential import Credential, CredentialStatus
from keylease.domain.events import RotationDue
from keylease.domain.outcome import Outcome
from keylease.domain.rotation import Rotation, RotationStep
from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.ports.accounts import Login
from keylease.ports.handover import Shown
from keylease.runtime.process import Process
from tests.support.acting import types
from tests.support.build import REDIS
from tests.support.simulation import Simulation, simulation

CACHE, MQ = "cache-demo/svc_cache", "rmq-demo/svc_orders"


async def rotate(world: Simulation, process: Process, account: str = CACHE) -> Rotation:
    due = RotationDue(account_id=account, asked_by="bo")
    await process.commits.commit(Outcome(events=(due,)))
    await world.calm(process)
    return (await world.store.children(Rotation, account, only_open=False))[0]


async def enrolled() -> tuple[Simulation, Process]:
    world = simulation()
    process = await world.boot()
    await world.calm(process)
    return world, process


async def claimed(world: Simulation, process: Process) -> Shown:
    shown = await world.claim(process, world.links("bo")[-1])
    assert isinstance(shown, Shown)
    return shown


def fail(world: Simulation, operation: str, kind: FaultKind, **fields: object) -> None:
    plan = FaultPlan.model_validate({"operation": operation, "kind": kind, **fields}, strict=False)
    world.cloud.faults.plan(plan)


async def test_the_owner_claims_what_the_target_takes() -> None:
    world, process = await enrolled()

    rotation = await rotate(world, process)

    assert rotation.step is RotationStep.DONE
    shown = await claimed(world, process)
    login = await world.accounts.login(REDIS, username="svc_cache", password=shown.password)
    assert login is Login.ACCEPTED


async def test_the_old_secret_is_kept_sealed_until_the_next_rotation() -> None:
    world, process = await enrolled()

    for _ in range(3):
        await rotate(world, process)

    found = {c.number: c for c in world.records(Credential)}
    assert [found[n].status for n in (1, 2, 3)] == [
        CredentialStatus.RETIRED,
        CredentialStatus.PREVIOUS,
        CredentialStatus.CURRENT,
    ]
    assert found[1].sealed is None
    assert found[2].sealed is not None


async def test_a_refused_password_is_made_anew() -> None:
    world, process = await enrolled()
    fail(
        world,
        "UpdateInstanceAccount",
        FaultKind.CLIENT_ERROR,
        code="InvalidAccountPassword.Format",
        times=2,
    )

    rotation = await rotate(world, process, MQ)

    assert rotation.step is RotationStep.DONE
    assert rotation.refusals == 2


async def test_a_target_that_refuses_every_password_fails_the_rotation() -> None:
    world, process = await enrolled()
    fail(
        world,
        "UpdateInstanceAccount",
        FaultKind.CLIENT_ERROR,
        code="InvalidAccountPassword.Format",
        times=None,
    )

    rotation = await rotate(world, process, MQ)

    assert rotation.step is RotationStep.FAILED
    assert types(world) == ["rotation.failed"]
    account = await world.store.load(Account, MQ)
    assert account is not None
    assert account.rotation_id is None
    assert account.rotate_at is not None


@pytest.mark.parametrize(
    "kind",
    [FaultKind.LOST_RESPONSE, FaultKind.SERVER_ERROR, FaultKind.THROTTLE, FaultKind.TRUNCATED_JSON],
)
@pytest.mark.parametrize(
    ("account", "operation"), [(CACHE, "ResetAccountPassword"), (MQ, "UpdateInstanceAccount")]
)
async def test_a_doubtful_answer_is_looked_into(
    kind: FaultKind, account: str, operation: str
) -> None:
    world, process = await enrolled()
    fail(world, operation, kind)

    await rotate(world, process, account)
    await world.pass_time(process, timedelta(minutes=2), step=timedelta(seconds=5))

    (rotation,) = await world.store.children(Rotation, account, only_open=False)
    assert rotation.step is RotationStep.DONE
    assert types(world).count("credential.rotated") == 1


async def test_an_account_that_is_gone_fails_the_rotation() -> None:
    world, process = await enrolled()
    cache = world.cloud.live.redis["r-demo0001"]
    rest = tuple(a for a in cache.accounts if a.name != "svc_cache")
    world.cloud.live.redis.put(cache.model_copy(update={"accounts": rest}))

    rotation = await rotate(world, process)

    assert rotation.step is RotationStep.FAILED


async def test_turns_that_were_missed_while_nobody_ran_are_one_rotation() -> None:
    world, process = await enrolled()

    world.clock.advance(timedelta(days=100))
    await world.calm(process)

    assert len(world.records(Rotation)) == 2  # one account rotates weekly, one monthly
    account = await world.store.load(Account, CACHE)
    assert account is not None
    assert account.rotate_at is not None
    assert account.rotate_at > world.clock.now()


async def test_a_long_outage_is_said_once_and_survived() -> None:
    world, process = await enrolled()
    fail(world, "*", FaultKind.SERVER_ERROR, times=None)
    await rotate(world, process)

    await world.pass_time(process, timedelta(hours=2), step=timedelta(seconds=30))
    during = types(world)
    world.cloud.faults.clear()
    await world.pass_time(process, timedelta(minutes=6), step=timedelta(seconds=10))

    assert during == ["rotation.failed"]
    (rotation,) = await world.store.children(Rotation, CACHE, only_open=False)
    assert rotation.step is RotationStep.DONE


async def test_a_rotation_leaves_permissions_as_they_are() -> None:
    world, process = await enrolled()
    before = world.cloud.live.rocketmq["rmq-cn-demo0001"].rules

    await rotate(world, process, MQ)

    assert world.cloud.live.rocketmq["rmq-cn-demo0001"].rules == before
