"""The Alibaba adapter keeps the contract of `Accounts` against the emulator, in every ACL mode."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from keylease.adapters.alibaba.accounts import AlibabaAccounts
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.system.http import AiohttpHttp
from keylease.adapters.system.redis_login import RedisLogin
from keylease.domain.access import Target
from keylease.domain.secret import Secret
from keylease.domain.steps import CreateAccount, DropAccount, DropRow, PutRow
from keylease.emulator.clock import EmulatorClock
from keylease.emulator.cloud import Cloud
from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.emulator.server import build_cloud, running
from keylease.emulator.world import (
    AclUpdate,
    MqAccount,
    MqInstance,
    MqRule,
    OwnCode,
    OwnCodes,
    RedisInstance,
    Settings,
    World,
    default_world,
)
from keylease.errors import (
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.accounts import Endpoint, Login
from tests.adapters.alibaba.parts import WallClock, client_over, quick
from tests.contract.accounts import ANN, OTHER, PASSWORD, AccountsContract, Advance, born, made
from tests.support.build import (
    BOTH_ORDERS,
    PUB_ORDERS,
    READ,
    READ_WRITE,
    REDIS,
    ROCKETMQ,
    SUB_ORDERS,
    permission,
)
from tests.support.inproc_http import InProcessHttp
from tests.support.redis_server import redis_server

AT_EMULATOR = Endpoints(given={"rocketmq": "http://cloud", "r-kvstore": "http://cloud"})


def world(**settings: object) -> World:
    """The default world, whose Redis is at a port that nobody serves."""
    redis = RedisInstance(id="r-demo0001", connection_domain="127.0.0.1", port=9)
    chosen = Settings(**settings)
    return default_world().model_copy(update={"redis": (redis,), "settings": chosen})


def cloud_of(world: World, clock: ManualClock) -> Cloud:
    return build_cloud(world, mirror=None, clock=EmulatorClock(clock.now), seed=0)


def accounts_at(cloud: Cloud, clock: ManualClock) -> AlibabaAccounts:
    client = client_over(InProcessHttp(cloud), endpoints=AT_EMULATOR, limits=quick(), clock=clock)
    return AlibabaAccounts(client, login=RedisLogin(seconds=1.0))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=list(AclUpdate))
def cloud(request: pytest.FixtureRequest, clock: ManualClock) -> Cloud:
    return cloud_of(world(acl_update=request.param), clock)


@pytest.fixture
def one_cloud(clock: ManualClock) -> Cloud:
    return cloud_of(world(), clock)


class TestContract(AccountsContract):
    @pytest.fixture
    def accounts(self, cloud: Cloud, clock: ManualClock) -> AlibabaAccounts:
        return accounts_at(cloud, clock)

    @pytest.fixture
    def target_rocketmq(self) -> Target:
        return ROCKETMQ

    @pytest.fixture
    def target_redis(self) -> Target:
        return REDIS

    @pytest.fixture
    def advance(self, cloud: Cloud, clock: ManualClock) -> Advance:
        async def advance() -> None:
            clock.advance(timedelta(minutes=1))
            await cloud.settling.settle()

        return advance


async def test_a_lost_answer_to_a_write_is_ambiguous_and_not_repeated(
    one_cloud: Cloud, clock: ManualClock
) -> None:
    accounts = accounts_at(one_cloud, clock)
    plan = FaultPlan(kind=FaultKind.LOST_RESPONSE, operation="CreateInstanceAccount", times=None)
    one_cloud.faults.plan(plan)

    with pytest.raises(ProviderAmbiguous):
        await made(accounts, ROCKETMQ)

    assert (await accounts.observe(ROCKETMQ, username=ANN)).exists
    assert len(one_cloud.journal.of("CreateInstanceAccount")) == 1


async def test_a_throttled_write_is_sent_again_with_a_new_signature(
    one_cloud: Cloud, clock: ManualClock
) -> None:
    accounts = accounts_at(one_cloud, clock)
    plan = FaultPlan(kind=FaultKind.THROTTLE, operation="CreateInstanceAccount", times=2)
    one_cloud.faults.plan(plan)

    await made(accounts, ROCKETMQ)

    assert (await accounts.observe(ROCKETMQ, username=ANN)).exists


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.LOST_RESPONSE, ProviderTransient),
        (FaultKind.SERVER_ERROR, ProviderTransient),
        (FaultKind.TRUNCATED_JSON, ProviderTransient),
        (FaultKind.WRONG_JSON, ProviderTransient),
        (FaultKind.SUCCESS_FALSE, ProviderError),
        (FaultKind.THROTTLE, ProviderBusy),
    ],
)
async def test_no_fault_of_a_read_looks_like_absence(
    one_cloud: Cloud, clock: ManualClock, kind: FaultKind, expected: type[ProviderError]
) -> None:
    accounts = accounts_at(one_cloud, clock)
    await made(accounts, ROCKETMQ, SUB_ORDERS)
    await born(accounts, REDIS)
    for operation in ("ListInstanceAccount", "ListInstanceAcl", "DescribeAccounts"):
        one_cloud.faults.plan(FaultPlan(kind=kind, operation=operation, times=None))

    for target in (ROCKETMQ, REDIS):
        with pytest.raises(expected):
            await accounts.observe(target, username=ANN)


async def test_an_unknown_instance_is_no_proof_that_an_account_is_gone(
    one_cloud: Cloud, clock: ManualClock
) -> None:
    accounts = accounts_at(one_cloud, clock)
    for target in (ROCKETMQ, REDIS):
        elsewhere = target.evolve(instance_id="rmq-cn-nowhere")

        with pytest.raises(ProviderNotFound):
            await accounts.observe(elsewhere, username=ANN)
        with pytest.raises(ProviderNotFound):
            await accounts.apply(elsewhere, step=DropAccount(username=ANN))


@pytest.mark.parametrize("code", ["InstanceAccount.Existed", "Weird.Thing", "Invalid.Username"])
@pytest.mark.parametrize("status", [400, 409])
async def test_a_taken_name_is_found_out_whatever_its_code(
    clock: ManualClock, code: str, status: int
) -> None:
    codes = OwnCodes(duplicate_account=OwnCode(code=code, status=status))
    accounts = accounts_at(cloud_of(world(codes=codes), clock), clock)
    await made(accounts, ROCKETMQ)

    with pytest.raises(ProviderConflict):
        await made(accounts, ROCKETMQ)


async def test_a_full_rocketmq_instance_is_busy(clock: ManualClock) -> None:
    mq = default_world().rocketmq[0].model_copy(update={"account_limit": 0})
    full = world().model_copy(update={"rocketmq": (mq,)})

    with pytest.raises(ProviderBusy):
        await made(accounts_at(cloud_of(full, clock), clock), ROCKETMQ)


async def test_a_refused_name_stays_refused(one_cloud: Cloud, clock: ManualClock) -> None:
    accounts = accounts_at(one_cloud, clock)
    step = CreateAccount(username="admin", permission=READ)

    with pytest.raises(ProviderRefused, match="InvalidAccountName"):
        await accounts.apply(REDIS, step=step, password=PASSWORD)


async def test_redis_in_the_middle_of_a_change_is_busy(clock: ManualClock) -> None:
    changing = world(redis_changes_for=timedelta(minutes=1))
    accounts = accounts_at(cloud_of(changing, clock), clock)
    await born(accounts, REDIS)

    with pytest.raises(ProviderBusy):
        await accounts.apply(
            REDIS, step=CreateAccount(username="klother", permission=READ), password=PASSWORD
        )


async def test_deny_rows_are_shown_apart_and_rows_of_an_absent_account_are_shown(
    clock: ManualClock,
) -> None:
    rows = (
        MqRule(
            username=ANN,
            resource_type="Topic",
            resource_name="orders",
            decision="Deny",
            actions=("PUB",),
        ),
        MqRule(
            username=ANN,
            resource_type="Topic",
            resource_name="payments",
            decision="Allow",
            actions=("Pub|Sub",),
            ip_whitelists=("10.0.0.0/8", "0.0.0.0/0"),
        ),
    )
    mq = default_world().rocketmq[0].model_copy(update={"rules": rows})
    accounts = accounts_at(cloud_of(world().model_copy(update={"rocketmq": (mq,)}), clock), clock)

    observed = await accounts.observe(ROCKETMQ, username=ANN)

    assert not observed.exists
    assert observed.denies == (PUB_ORDERS,)
    assert observed.permissions == (permission("topic:payments", "Pub,Sub"),)


@pytest.mark.parametrize("status", ["RELEASED", "STOPPED"])
async def test_health_names_what_is_wrong_with_a_rocketmq_instance(
    clock: ManualClock, status: str
) -> None:
    mq = MqInstance(
        id="rmq-cn-demo0001",
        status=status,
        acl_types=("default",),
        default_vpc_auth_free=True,
    )
    accounts = accounts_at(cloud_of(world().model_copy(update={"rocketmq": (mq,)}), clock), clock)

    problems = (await accounts.health(ROCKETMQ)).problems

    assert problems[0] == f"the instance is {status}, not RUNNING"
    assert ["apache_acl" in problems[1], "defaultVpcAuthFree" in problems[2]] == [True, True]


async def test_health_names_what_is_wrong_with_a_redis_instance(clock: ManualClock) -> None:
    redis = RedisInstance(id="r-demo0001", status="Changing", engine_version="2.8")
    accounts = accounts_at(cloud_of(world().model_copy(update={"redis": (redis,)}), clock), clock)

    assert (await accounts.health(REDIS)).problems == (
        "the instance is Changing, not Normal",
        "engine 2.8 has no accounts (4.0 or later has)",
    )


async def test_health_and_missing_name_an_instance_that_does_not_exist(
    one_cloud: Cloud, clock: ManualClock
) -> None:
    accounts = accounts_at(one_cloud, clock)
    redis = REDIS.evolve(instance_id="r-nowhere")
    mq = ROCKETMQ.evolve(instance_id="rmq-cn-nowhere")

    assert (await accounts.health(mq)).problems == ("instance rmq-cn-nowhere does not exist",)
    assert (await accounts.health(redis)).problems == ("instance r-nowhere does not exist",)
    assert await accounts.missing(redis, permissions=(READ,)) == ("instance r-nowhere",)


async def test_endpoints_come_from_the_instance(one_cloud: Cloud, clock: ManualClock) -> None:
    accounts = accounts_at(one_cloud, clock)

    assert await accounts.endpoints(ROCKETMQ) == (
        Endpoint("vpc", "rmq-cn-demo0001-vpc.cn-hangzhou.rmq.aliyuncs.com", 8080),
        Endpoint("internet", "rmq-cn-demo0001.cn-hangzhou.rmq.aliyuncs.com", 8080),
    )
    assert [e.port for e in await accounts.endpoints(REDIS)] == [9]


async def test_the_built_in_rocketmq_account_is_left_out(clock: ManualClock) -> None:
    built_in = MqAccount(username="root0", password=SecretStr("x"), account_type="DEFAULT")
    mq = default_world().rocketmq[0].model_copy(update={"accounts": (built_in,)})
    accounts = accounts_at(cloud_of(world().model_copy(update={"rocketmq": (mq,)}), clock), clock)
    await made(accounts, ROCKETMQ)

    assert await accounts.usernames(ROCKETMQ) == (ANN,)


async def test_over_real_sockets_a_credential_logs_in_until_it_is_removed() -> None:
    settings = Settings(redis_settles_after=timedelta(), redis_removes_after=timedelta())
    served = default_world().model_copy(update={"settings": settings})
    async with (
        redis_server() as server,
        running(world=served, redis_url=server.url) as emulator,
        AiohttpHttp() as http,
    ):
        given = {"rocketmq": emulator.url, "r-kvstore": emulator.url}
        client = client_over(http, endpoints=Endpoints(given=given), clock=WallClock())
        accounts = AlibabaAccounts(client, login=RedisLogin())
        steps = (
            PutRow(username=ANN, permission=BOTH_ORDERS, exists=False),
            PutRow(username=ANN, permission=SUB_ORDERS, exists=True),
            DropRow(username=ANN, permission=SUB_ORDERS),
            DropAccount(username=ANN),
        )

        await made(accounts, ROCKETMQ)
        for step in steps:
            await accounts.apply(ROCKETMQ, step=step)
        await born(accounts, REDIS, given=READ_WRITE)
        await emulator.cloud.settling.settle()
        right = await accounts.login(REDIS, username=ANN, password=PASSWORD)
        wrong = await accounts.login(REDIS, username=ANN, password=OTHER)
        nobody = await accounts.login(REDIS, username="nobody", password=Secret("x"))
        await accounts.apply(REDIS, step=DropAccount(username=ANN))
        await emulator.cloud.settling.settle()
        after = await accounts.login(REDIS, username=ANN, password=PASSWORD)

        assert not (await accounts.observe(ROCKETMQ, username=ANN)).exists
        assert (right, wrong, nobody) == (Login.ACCEPTED, Login.REFUSED, Login.REFUSED)
        assert after is Login.REFUSED
