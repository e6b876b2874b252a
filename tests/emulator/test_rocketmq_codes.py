"""Every code with which RocketMQ refuses, as the official SDK reads it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alibabacloud_rocketmq20220801 import models as mq
from pydantic import SecretStr

from keylease.emulator import Emulator, default_world, running
from keylease.emulator.world import MqAccount, MqInstance, OwnCode, OwnCodes
from tests.emulator.raw import Raw, send
from tests.emulator.sdk import (
    INSTANCE,
    PASSWORD,
    Sdk,
    code_of,
    create_account,
    create_rule,
    official_sdk,
    rule_of,
)

TOPIC = {"resource_type": "Topic", "resource_name": "orders"}


def rule_request(**changes: Any) -> mq.CreateInstanceAclRequest:  # any field
    fields = {**TOPIC, "decision": "Allow", "actions": ["Pub"], **changes}
    return mq.CreateInstanceAclRequest(**fields)


async def odd_worlds() -> AsyncIterator[Sdk]:
    instances = (
        MqInstance(id="rmq-released", status="RELEASED"),
        MqInstance(id="rmq-simple", acl_types=("default",)),
        MqInstance(
            id="rmq-full",
            account_limit=2,
            accounts=(MqAccount(username="app", password=SecretStr("p")),),
        ),
    )
    async with running(world=default_world().model_copy(update={"rocketmq": instances})) as one:
        yield official_sdk(one.url, mode="async")


odd = pytest.fixture(odd_worlds)


async def test_an_unknown_instance(sdk: Sdk) -> None:
    call = sdk.rocketmq("get_instance", "rmq-nowhere")

    assert await code_of(call) == (404, "Instance.NotFound")


async def test_a_released_instance_is_only_shown(odd: Sdk) -> None:
    shown = await odd.rocketmq("get_instance", "rmq-released")
    call = odd.rocketmq("list_topics", "rmq-released", mq.ListTopicsRequest())

    assert shown["data"]["status"] == "RELEASED"
    assert await code_of(call) == (404, "Instance.NotFound")


async def test_a_missing_instance_id(emulator: Emulator) -> None:
    reply = await send(emulator.url, Raw.rocketmq("GetInstance", "GET", "instances", ""))

    assert reply.code == (400, "MissingInstanceId")
    assert reply.body["message"] == "Parameter instanceId is mandatory for this action ."
    assert reply.body["httpStatusCode"] == 400
    assert reply.body["success"] is False


@pytest.mark.parametrize(
    ("operation", "argument", "code"),
    [
        ("get_topic", "nothing", "Topic.NotFound"),
        ("get_consumer_group", "GID_nothing", "ConsumerGroup.NotFound"),
        (
            "get_instance_account",
            mq.GetInstanceAccountRequest(username="nobody"),
            "InstanceAccount.NotExisted",
        ),
        ("delete_instance_account", "nobody", "InstanceAccount.NotExisted"),
    ],
)
async def test_what_is_not_there(sdk: Sdk, operation: str, argument: object, code: str) -> None:
    assert await code_of(sdk.rocketmq(operation, INSTANCE, argument)) == (404, code)


async def test_a_missing_rule(sdk: Sdk) -> None:
    await create_account(sdk, "app")
    delete = mq.DeleteInstanceAclRequest(**TOPIC)
    update = mq.UpdateInstanceAclRequest(**TOPIC, actions=["Sub"])

    codes = [
        await code_of(rule_of(sdk, "app")),
        await code_of(sdk.rocketmq("delete_instance_acl", INSTANCE, "app", delete)),
        await code_of(sdk.rocketmq("update_instance_acl", INSTANCE, "app", update)),
    ]

    assert codes == [(404, "InstanceAcl.NotExisted")] * 3


async def test_an_account_is_created_once(sdk: Sdk) -> None:
    await create_account(sdk, "app")

    assert await code_of(create_account(sdk, "app")) == (409, "InstanceAccount.Existed")


async def test_a_rule_is_created_once(sdk: Sdk) -> None:
    await create_account(sdk, "app")
    await create_rule(sdk, "app")

    assert await code_of(create_rule(sdk, "app")) == (409, "InstanceAcl.Existed")


async def test_a_rule_needs_its_account_topic_and_group(emulator: Emulator, sdk: Sdk) -> None:
    orphan = await code_of(create_rule(sdk, "nobody"))
    await create_account(sdk, "app")
    topic = await code_of(create_rule(sdk, "app", topic="nothing"))
    request = rule_request(resource_type="Group", resource_name="GID_x", actions=["Sub"])
    group = await code_of(sdk.rocketmq("create_instance_acl", INSTANCE, "app", request))
    emulator.world.change(acl_checks_resources=False)
    await create_rule(sdk, "app", topic="nothing")

    assert orphan == (404, "InstanceAccount.NotExisted")
    assert topic == (404, "Topic.NotFound")
    assert group == (404, "ConsumerGroup.NotFound")


@pytest.mark.parametrize(
    "change",
    [
        {"resource_type": "Queue"},
        {"decision": "Maybe"},
        {"actions": ["Publish"]},
        {"actions": ["Pub|"]},
        {"resource_type": "Group", "resource_name": "GID_orders", "actions": ["Pub"]},
        {"ip_whitelists": ["10.0.0.0/33"]},
        {"ip_whitelists": ["everywhere"]},
    ],
)
async def test_a_rule_outside_the_documented_values(sdk: Sdk, change: dict[str, Any]) -> None:
    await create_account(sdk, "app")
    call = sdk.rocketmq("create_instance_acl", INSTANCE, "app", rule_request(**change))

    assert await code_of(call) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("resource_type", "MissingResourceType"),
        ("resource_name", "MissingResourceName"),
        ("decision", "MissingDecision"),
        ("actions", "MissingActions"),
    ],
)
async def test_a_rule_without_a_required_field(sdk: Sdk, field: str, code: str) -> None:
    await create_account(sdk, "app")
    call = sdk.rocketmq("create_instance_acl", INSTANCE, "app", rule_request(**{field: None}))

    assert await code_of(call) == (400, code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"password": PASSWORD}, "MissingUsername"),
        ({"username": "app"}, "MissingPassword"),
        ({"username": "app", "password": ""}, "MissingPassword"),
    ],
)
async def test_an_account_without_a_required_field(
    sdk: Sdk, fields: dict[str, str], code: str
) -> None:
    request = mq.CreateInstanceAccountRequest(**fields)
    call = sdk.rocketmq("create_instance_account", INSTANCE, request)

    assert await code_of(call) == (400, code)


@pytest.mark.parametrize("changes", [{"account_status": "OFF"}, {"account_status": ""}])
async def test_an_unknown_account_status(sdk: Sdk, changes: dict[str, str]) -> None:
    await create_account(sdk, "app")
    request = mq.UpdateInstanceAccountRequest(**changes)
    call = sdk.rocketmq("update_instance_account", INSTANCE, "app", request)

    assert await code_of(call) == (400, "InvalidParameter")


async def test_an_empty_new_password(sdk: Sdk) -> None:
    await create_account(sdk, "app")
    request = mq.UpdateInstanceAccountRequest(password="")
    call = sdk.rocketmq("update_instance_account", INSTANCE, "app", request)

    assert await code_of(call) == (400, "MissingPassword")


async def test_the_instance_account_cannot_be_deleted(sdk: Sdk) -> None:
    call = sdk.rocketmq("delete_instance_account", INSTANCE, "demo0001default")

    assert await code_of(call) == (400, "InstanceAccount.Protected")


async def test_an_instance_without_apache_acl_takes_no_accounts(odd: Sdk) -> None:
    request = mq.CreateInstanceAccountRequest(username="app", password="p")
    call = odd.rocketmq("create_instance_account", "rmq-simple", request)

    assert await code_of(call) == (400, "Instance.AclNotEnabled")


async def test_an_instance_that_is_full(odd: Sdk) -> None:
    request = mq.CreateInstanceAccountRequest(username="other", password="p")
    call = odd.rocketmq("create_instance_account", "rmq-full", request)

    assert await code_of(call) == (400, "InstanceAccount.QuotaExceeded")


@pytest.mark.parametrize(("number", "size"), [("0", "10"), ("x", "10"), ("1", "0"), ("1", "101")])
async def test_a_page_that_cannot_be(emulator: Emulator, number: str, size: str) -> None:
    request = Raw.rocketmq("ListInstanceAccount", "GET", "instances", INSTANCE, "accounts")

    reply = await send(
        emulator.url, request.changed(query={"pageNumber": number, "pageSize": size})
    )

    assert reply.code == (400, "InvalidParameter")


async def test_pages_of_groups_hold_at_least_ten(sdk: Sdk) -> None:
    request = mq.ListConsumerGroupsRequest(page_size=9)
    call = sdk.rocketmq("list_consumer_groups", INSTANCE, request)

    assert await code_of(call) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"{",
        b"null",
        b"\xff\xfe",
        b'{"username": 7, "password": "p"}',
        b'{"username": "\\ud800", "password": "p"}',
        b'{"username": {"$": 1}, "password": "p"}',
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_account(emulator: Emulator, body: bytes) -> None:
    request = Raw.rocketmq("CreateInstanceAccount", "POST", "instances", INSTANCE, "accounts")

    reply = await send(
        emulator.url, request.changed(body=body, headers={"content-type": "application/json"})
    )

    assert reply.code == (400, "InvalidParameter")


async def test_removed_accounts_leave_their_rules_unless_the_world_says_otherwise(
    emulator: Emulator, sdk: Sdk
) -> None:
    await create_account(sdk, "app")
    await create_rule(sdk, "app")

    emulator.world.change(account_removal="refused_with_rules")
    refused = await code_of(sdk.rocketmq("delete_instance_account", INSTANCE, "app"))
    emulator.world.change(account_removal="leaves_rules")
    await sdk.rocketmq("delete_instance_account", INSTANCE, "app")
    left = await rule_of(sdk, "app")
    await create_account(sdk, "app")
    emulator.world.change(account_removal="removes_rules")
    await sdk.rocketmq("delete_instance_account", INSTANCE, "app")

    assert refused == (400, "InstanceAccount.HasAcl")
    assert left["actions"] == ["Pub"]
    assert await code_of(rule_of(sdk, "app")) == (404, "InstanceAcl.NotExisted")


async def test_undocumented_codes_are_the_worlds_choice(emulator: Emulator, sdk: Sdk) -> None:
    chosen = OwnCodes(duplicate_account=OwnCode(code="Account.Taken", status=400))
    emulator.world.change(codes=chosen.model_dump())
    await create_account(sdk, "app")

    assert await code_of(create_account(sdk, "app")) == (400, "Account.Taken")


async def test_an_unknown_path_and_a_wrong_method_answer_json(emulator: Emulator) -> None:
    path = await send(emulator.url, Raw.rocketmq("GetInstance", "GET", "instances", "a", "b", "c"))
    method = await send(emulator.url, Raw.rocketmq("GetInstance", "PUT", "instances", INSTANCE))
    action = await send(emulator.url, Raw.rocketmq("GetTopic", "GET", "instances", INSTANCE))
    older = Raw.rocketmq("GetInstance", "GET", "instances", INSTANCE).changed(version="2019-01-01")
    version = await send(emulator.url, older)

    assert path.code == (404, "InvalidApi.NotFound")
    assert method.code == (405, "MethodNotAllowed")
    assert action.code == (404, "InvalidApi.NotFound")
    assert version.code == (404, "InvalidApi.NotFound")
    assert json.dumps(path.body)
