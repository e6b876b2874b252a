"""The emulated cloud keeps the contract, and fails only as planned."""

from datetime import timedelta

import pytest

from keylease.adapters.memory.accounts import MemoryCloud
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.faults import Fault
from keylease.domain.access import ResourceType, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import CreateAccount, DropAccount, DropRow, PutRow
from keylease.errors import (
    ProviderAmbiguous,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.accounts import Endpoint, Login
from tests.contract.accounts import (
    ANN,
    OTHER,
    PASSWORD,
    SUB_GROUP,
    AccountsContract,
    Advance,
    born,
    made,
)
from tests.support.build import PUB_ORDERS, READ, REDIS, ROCKETMQ, SUB_ORDERS

MINUTE = timedelta(minutes=1)
HERE = Endpoint(network="vpc", host="example.test", port=6379)


def cloud(clock: ManualClock | None = None, *, settle: timedelta = MINUTE) -> MemoryCloud:
    return MemoryCloud(
        clock=clock or ManualClock(),
        settle=settle,
        resources={
            ROCKETMQ.instance_id: frozenset(
                {
                    (ResourceType.TOPIC, "orders"),
                    (ResourceType.TOPIC, "payments"),
                    (ResourceType.GROUP, "GID_orders"),
                }
            )
        },
        hosts={ROCKETMQ.instance_id: (HERE,), REDIS.instance_id: (HERE,)},
    )


class TestMemoryCloud(AccountsContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def accounts(self, clock: ManualClock) -> MemoryCloud:
        return cloud(clock)

    @pytest.fixture
    def target_rocketmq(self) -> Target:
        return ROCKETMQ

    @pytest.fixture
    def target_redis(self) -> Target:
        return REDIS

    @pytest.fixture
    def advance(self, clock: ManualClock) -> Advance:
        async def advance() -> None:
            clock.advance(MINUTE)

        return advance


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.BUSY, ProviderBusy),
        (Fault.TRANSIENT, ProviderTransient),
        (Fault.DENIED, ProviderDenied),
        (Fault.REFUSED, ProviderRefused),
        (Fault.PASSWORD_REFUSED, ProviderRefused),
        (Fault.LOST_REQUEST, ProviderAmbiguous),
        (Fault.LATE, ProviderAmbiguous),
    ],
)
async def test_a_planned_fault_happens_once_and_does_nothing(
    fault: Fault, error: type[ProviderError]
) -> None:
    sky = cloud()
    sky.plan("apply", fault)

    with pytest.raises(error):
        await made(sky, ROCKETMQ)

    assert not sky.seen(ROCKETMQ, username=ANN).exists
    await made(sky, ROCKETMQ)
    assert sky.seen(ROCKETMQ, username=ANN).exists


async def test_a_lost_response_has_done_its_work() -> None:
    sky = cloud()
    sky.plan("apply", Fault.LOST_RESPONSE)

    with pytest.raises(ProviderAmbiguous):
        await made(sky, ROCKETMQ)

    assert sky.seen(ROCKETMQ, username=ANN).exists


async def test_a_lost_refusal_looks_like_any_lost_response() -> None:
    sky = cloud()
    await made(sky, ROCKETMQ)
    sky.plan("apply", Fault.LOST_RESPONSE)

    with pytest.raises(ProviderAmbiguous):
        await made(sky, ROCKETMQ)


async def test_a_late_write_lands_when_it_is_let() -> None:
    sky = cloud()
    sky.plan("apply", Fault.LATE)
    with pytest.raises(ProviderAmbiguous):
        await made(sky, ROCKETMQ)

    sky.land()

    assert sky.seen(ROCKETMQ, username=ANN).exists


async def test_a_fault_can_wait_for_one_kind_of_step() -> None:
    sky = cloud()
    sky.plan("apply:PutRow", None, Fault.BUSY)

    await made(sky, ROCKETMQ, SUB_ORDERS)

    with pytest.raises(ProviderBusy):
        await sky.apply(ROCKETMQ, step=PutRow(username=ANN, permission=PUB_ORDERS, exists=True))


async def test_stale_reads_show_what_stood_before_the_last_write() -> None:
    sky = cloud()
    await made(sky, ROCKETMQ, SUB_ORDERS)
    await sky.apply(ROCKETMQ, step=DropRow(username=ANN, permission=SUB_ORDERS))
    sky.stale(1)

    stale = await sky.observe(ROCKETMQ, username=ANN)
    fresh = await sky.observe(ROCKETMQ, username=ANN)

    assert (stale.permissions, fresh.permissions) == ((SUB_ORDERS,), ())


async def test_calm_ends_every_fault_and_lands_what_is_late() -> None:
    sky = cloud()
    sky.plan("apply", Fault.LATE, Fault.BUSY)
    sky.stale(5)
    with pytest.raises(ProviderAmbiguous):
        await made(sky, ROCKETMQ)

    sky.calm()

    assert (await sky.observe(ROCKETMQ, username=ANN)).exists
    await sky.apply(ROCKETMQ, step=DropAccount(username=ANN))


async def test_denies_are_shown_and_a_new_row_does_not_replace_them() -> None:
    sky = cloud()
    sky.seed(ROCKETMQ, username=ANN, password=PASSWORD, rows=(SUB_GROUP,), denies=(PUB_ORDERS,))

    await sky.apply(ROCKETMQ, step=PutRow(username=ANN, permission=SUB_ORDERS, exists=False))

    observed = await sky.observe(ROCKETMQ, username=ANN)
    assert (observed.permissions, observed.denies) == ((SUB_GROUP,), (PUB_ORDERS,))


async def test_rows_may_outlive_their_account() -> None:
    sky = cloud()
    await made(sky, ROCKETMQ, SUB_ORDERS)

    await sky.apply(ROCKETMQ, step=DropAccount(username=ANN))

    observed = await sky.observe(ROCKETMQ, username=ANN)
    assert (observed.exists, observed.permissions) == (False, (SUB_ORDERS,))


async def test_the_right_password_logs_in_to_redis() -> None:
    sky = cloud(settle=timedelta(0))
    await born(sky, REDIS)

    await sky.set_password(REDIS, username=ANN, password=OTHER)

    assert await sky.login(REDIS, username=ANN, password=OTHER) is Login.ACCEPTED
    assert await sky.login(REDIS, username=ANN, password=PASSWORD) is Login.REFUSED
    assert sky.password_of(REDIS, username=ANN) == OTHER
    assert sky.password_of(REDIS, username="nobody") is None
    assert not sky.would_log_in(REDIS, username="nobody", password=OTHER)
    sky.plan("login", Fault.TRANSIENT)
    assert await sky.login(REDIS, username=ANN, password=OTHER) is Login.UNREACHABLE


async def test_a_leaving_account_lets_nobody_in() -> None:
    clock = ManualClock()
    sky = cloud(clock)
    await born(sky, REDIS)
    clock.advance(MINUTE)

    await sky.apply(REDIS, step=DropAccount(username=ANN))

    assert sky.seen(REDIS, username=ANN).settled is False
    assert not sky.would_log_in(REDIS, username=ANN, password=PASSWORD)


async def test_without_a_list_every_resource_exists() -> None:
    sky = MemoryCloud(clock=ManualClock())

    assert await sky.missing(ROCKETMQ, permissions=(SUB_ORDERS,)) == ()


async def test_calls_are_noted_without_secrets() -> None:
    sky = cloud()

    await sky.apply(
        REDIS,
        step=CreateAccount(username=ANN, permission=READ),
        password=Secret("Canary_12345678"),
    )
    await sky.usernames(REDIS)

    assert sky.calls == ["apply cache-demo create account klann0000000", "usernames cache-demo"]
