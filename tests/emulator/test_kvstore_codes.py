"""Every documented code with which R-kvstore refuses, as the official SDK reads it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from keylease.emulator import Emulator, FaultPlan, default_world, running
from keylease.emulator.faults import FaultKind
from keylease.emulator.world import AccessKey, RedisInstance
from tests.emulator.raw import Raw, send
from tests.emulator.sdk import PASSWORD, REDIS, Body, Sdk, code_of, official_sdk

SETTLING = timedelta(seconds=1)
NOT_FOUND = (404, "InvalidAccountName.NotFound")
BAD_NAME = (400, "InvalidAccountName.Format")


async def create(sdk: Sdk, name: str = "app1", **changes: object) -> Body:
    parameters: dict[str, object] = {
        "instance_id": REDIS,
        "account_name": name,
        "account_password": PASSWORD,
        **changes,
    }
    return await sdk.kvstore("create_account", **parameters)


async def odd_instances() -> AsyncIterator[Sdk]:
    instances = (
        RedisInstance(id="r-old", engine_version="2.8"),
        RedisInstance(id="r-mode", supports_accounts=False),
        RedisInstance(id="r-minor", supports_grants=False),
        RedisInstance(id="r-locked", lock_mode="LockByExpiration"),
        RedisInstance(id="r-flushing", status="Flushing"),
        RedisInstance(id="r-gone", status="Released"),
    )
    async with running(world=default_world().model_copy(update={"redis": instances})) as one:
        yield official_sdk(one.url, mode="async")


odd = pytest.fixture(odd_instances)


async def test_a_name_is_taken_once(sdk: Sdk) -> None:
    await create(sdk)

    assert await code_of(create(sdk)) == (400, "InvalidAccountName.Duplicate")


@pytest.mark.parametrize("name", ["App", "1app", "_app", "app-1", "app.1", "a" * 101, "applé"])
async def test_a_name_outside_the_rules(sdk: Sdk, name: str) -> None:
    assert await code_of(create(sdk, name)) == BAD_NAME


@pytest.mark.parametrize("name", ["a", "app_1", "a" * 100])
async def test_a_name_inside_the_rules(sdk: Sdk, name: str) -> None:
    assert (await create(sdk, name))["AccountName"] == name


async def test_the_older_rule_for_names_can_be_chosen(emulator: Emulator, sdk: Sdk) -> None:
    emulator.world.change(redis_name_pattern="[a-z][a-z0-9-]{0,15}")

    assert (await create(sdk, "app-1"))["AccountName"] == "app-1"
    assert await code_of(create(sdk, "app_1")) == BAD_NAME


async def test_a_reserved_name(sdk: Sdk) -> None:
    assert await code_of(create(sdk, "admin")) == (400, "InvalidAccountName.Forbid")


@pytest.mark.parametrize(
    "password",
    [
        "aA1!aA1",
        "aA1!" * 8 + "a",
        "alllowercase1",
        "ALLUPPER!",
        "aA1 with spaces",
        "aA1.dotted",
        "aA1éééééé",
    ],
)
async def test_a_password_outside_the_rules(sdk: Sdk, password: str) -> None:
    call = create(sdk, account_password=password)

    assert await code_of(call) == (400, "InvalidAccountPassword.Format")


@pytest.mark.parametrize("password", ["aA1aA1aA", "aa1!aa1!", "AA1_AA1_", "aA-=" * 8])
async def test_a_password_of_three_classes(sdk: Sdk, password: str) -> None:
    assert (await create(sdk, account_password=password))["AccountName"] == "app1"


@pytest.mark.parametrize(
    "description", ["x", "1st", "_x", "http://x", "https://x", "two words", "a" * 257, "a.b"]
)
async def test_a_description_outside_the_rules(sdk: Sdk, description: str) -> None:
    call = create(sdk, account_description=description)

    assert await code_of(call) == (400, "InvalidAccountDescription.Format")


@pytest.mark.parametrize("description", ["ab", "订单-svc_1", "a" * 256])
async def test_a_description_inside_the_rules(sdk: Sdk, description: str) -> None:
    assert (await create(sdk, account_description=description))["AccountName"] == "app1"


async def test_an_unknown_privilege_has_another_code_in_each_call(
    emulator: Emulator, sdk: Sdk
) -> None:
    created = await code_of(create(sdk, account_privilege="RoleAdmin"))
    await create(sdk)
    emulator.clock.advance(SETTLING)
    granted = await code_of(
        sdk.kvstore(
            "grant_account_privilege",
            instance_id=REDIS,
            account_name="app1",
            account_privilege="RoleAdmin",
        )
    )

    assert created == (400, "InvalidAccountPrivilege.Malformed")
    assert granted == (400, "InvalidAccountPrivilege.Format")


async def test_an_unknown_account_type(sdk: Sdk) -> None:
    assert await code_of(create(sdk, account_type="Super")) == (400, "InvalidParameter")


async def test_the_nineteenth_account(sdk: Sdk) -> None:
    for number in range(18):
        await create(sdk, f"app{number}")

    assert await code_of(create(sdk, "app18")) == (403, "AccountLimitExceeded")


async def test_a_removed_account_frees_its_place_only_when_it_is_gone(
    emulator: Emulator, sdk: Sdk
) -> None:
    for number in range(18):
        await create(sdk, f"app{number}")
    emulator.clock.advance(SETTLING)
    await sdk.kvstore("delete_account", instance_id=REDIS, account_name="app0")

    early = await code_of(create(sdk, "app18"))
    emulator.clock.advance(SETTLING)

    assert early == (403, "AccountLimitExceeded")
    assert (await create(sdk, "app18"))["AccountName"] == "app18"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("delete_account", {}),
        ("reset_account_password", {"account_password": PASSWORD}),
        (
            "modify_account_password",
            {"old_account_password": PASSWORD, "new_account_password": PASSWORD},
        ),
        ("grant_account_privilege", {"account_privilege": "RoleReadOnly"}),
        ("modify_account_description", {"account_description": "other"}),
    ],
)
@pytest.mark.parametrize(("name", "code"), [("nobody", NOT_FOUND), ("Nobody", BAD_NAME)])
async def test_an_account_that_is_not_there(
    sdk: Sdk, operation: str, parameters: dict[str, object], name: str, code: tuple[int, str]
) -> None:
    call = sdk.kvstore(operation, instance_id=REDIS, account_name=name, **parameters)

    assert await code_of(call) == code


async def test_a_reset_to_a_bad_password(emulator: Emulator, sdk: Sdk) -> None:
    await create(sdk)
    emulator.clock.advance(SETTLING)
    call = sdk.kvstore(
        "reset_account_password", instance_id=REDIS, account_name="app1", account_password="short"
    )

    assert await code_of(call) == (400, "InvalidAccountPassword.Format")


async def test_a_wrong_old_password(emulator: Emulator, sdk: Sdk) -> None:
    await create(sdk)
    emulator.clock.advance(SETTLING)
    call = sdk.kvstore(
        "modify_account_password",
        instance_id=REDIS,
        account_name="app1",
        old_account_password="Wrong_pass1",
        new_account_password=PASSWORD,
    )

    assert await code_of(call) == (400, "IncorrectPassword")


@pytest.mark.parametrize("name", [REDIS, "default"])
async def test_built_in_accounts_can_only_change_their_password(sdk: Sdk, name: str) -> None:
    of_account = {"instance_id": REDIS, "account_name": name}

    delete = await code_of(sdk.kvstore("delete_account", **of_account))
    grant = await code_of(
        sdk.kvstore("grant_account_privilege", **of_account, account_privilege="RoleReadOnly")
    )
    reset = await sdk.kvstore("reset_account_password", **of_account, account_password=PASSWORD)

    assert delete == (400, "IncorrectAccount")
    assert grant == (400, "IncorrectAccount")
    assert reset.keys() == {"RequestId"}


@pytest.mark.parametrize(
    ("instance", "code"),
    [
        ("r-old", (400, "InvalidEngineVersion.Format")),
        ("r-mode", (400, "InvalidDBInstanceAccountMode.Format")),
        ("r-locked", (400, "IncorrectDBInstanceLockMode")),
        ("r-flushing", (400, "IncorrectDBInstanceState")),
        ("r-gone", (404, "InvalidInstanceId.NotFound")),
        ("r-nowhere", (404, "InvalidInstanceId.NotFound")),
    ],
)
async def test_an_instance_that_takes_no_account(
    odd: Sdk, instance: str, code: tuple[int, str]
) -> None:
    assert await code_of(create(odd, instance_id=instance)) == code


async def test_a_minor_version_that_cannot_grant(odd: Sdk) -> None:
    call = odd.kvstore(
        "grant_account_privilege",
        instance_id="r-minor",
        account_name="app1",
        account_privilege="RoleReadOnly",
    )

    assert await code_of(call) == (400, "IncorrectMinorVersion")


async def test_a_parameter_that_is_missing_or_empty(emulator: Emulator) -> None:
    missing = await send(emulator.url, Raw.kvstore("CreateAccount", InstanceId=REDIS))
    empty = await send(emulator.url, Raw.kvstore("DescribeAccounts", InstanceId=""))

    assert missing.code == (400, "MissingAccountName")
    assert empty.code == (400, "MissingParameter")
    assert set(missing.body) == {"RequestId", "HostId", "Code", "Message"}


async def test_an_unknown_region(sdk: Sdk) -> None:
    call = sdk.kvstore("describe_instances", region_id="mars-1")

    assert await code_of(call) == (404, "InvalidRegion.NotFound")


@pytest.mark.parametrize(("number", "size"), [(0, 30), (1, 51), (1, 0)])
async def test_a_page_that_cannot_be(sdk: Sdk, number: int, size: int) -> None:
    call = sdk.kvstore("describe_instances", page_number=number, page_size=size)

    assert await code_of(call) == (400, "InvalidParameter")


async def test_a_key_that_ram_denies_an_operation() -> None:
    key = AccessKey.model_validate(
        {"id": "testid", "secret": "testsecret", "denied": ("DescribeAccounts",)}
    )
    world = default_world().model_copy(update={"access_keys": (key,)})
    async with running(world=world) as emulator:
        reply = await send(emulator.url, Raw.kvstore("DescribeAccounts", InstanceId=REDIS))

    assert reply.code == (403, "Forbidden.RAM")
    assert reply.body["AccessDeniedDetail"]["AuthAction"] == "r-kvstore:DescribeAccounts"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "OperationDeniedDBStatus"),
        (400, "LockTimeout"),
        (400, "InvalidPassword.Malformed"),
        (400, "IdempotentParameterMismatch"),
        (400, "InvalidProtocol.NeedSsl"),
        (403, "Forbidden.RiskControl"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)
async def test_a_code_without_a_cause_here_can_be_planned(
    emulator: Emulator, sdk: Sdk, status: int, code: str
) -> None:
    kind = FaultKind.SERVER_ERROR if status >= 500 else FaultKind.CLIENT_ERROR
    emulator.faults.plan(FaultPlan(kind=kind, status=status, code=code))

    assert await code_of(create(sdk)) == (status, code)


async def test_an_unknown_action_version_or_method_answers_json(emulator: Emulator) -> None:
    request = Raw.kvstore("Nothing")

    action = await send(emulator.url, request)
    version = await send(emulator.url, request.changed(version="1999-01-01"))
    method = await send(emulator.url, request.changed(method="DELETE"))

    assert action.code == (404, "InvalidApi.NotFound")
    assert version.code == (404, "InvalidProduct.NotFound")
    assert method.code == (405, "MethodNotAllowed")
