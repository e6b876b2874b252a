"""The official RocketMQ SDK, sync and async, drives every operation."""

import pytest
from alibabacloud_rocketmq20220801 import models as mq

from keylease.emulator import Emulator
from tests.emulator.sdk import (
    AWKWARD,
    INSTANCE,
    PASSWORD,
    Sdk,
    create_account,
    create_rule,
    rule_of,
)

# A bare `..` is left out: every URL library removes dot segments before it sends.
NAMES = ("app_orders", AWKWARD, "订单 100%?&=#+", "a/../b")


@pytest.mark.parametrize("username", NAMES)
async def test_an_account_lives_its_whole_life(either_sdk: Sdk, username: str) -> None:
    created = await either_sdk.rocketmq(
        "create_instance_account",
        INSTANCE,
        mq.CreateInstanceAccountRequest(username=username, password=PASSWORD, remark="probe 订单"),
    )
    changed = await either_sdk.rocketmq(
        "update_instance_account",
        INSTANCE,
        username,
        mq.UpdateInstanceAccountRequest(password="Bb2_newPass+x=1 &é", account_status="DISABLE"),
    )
    read = await either_sdk.rocketmq(
        "get_instance_account", INSTANCE, mq.GetInstanceAccountRequest(username=username)
    )
    listed = await either_sdk.rocketmq(
        "list_instance_account", INSTANCE, mq.ListInstanceAccountRequest(username=username)
    )
    deleted = await either_sdk.rocketmq("delete_instance_account", INSTANCE, username)

    assert (created["success"], created["data"]) == (True, True)
    assert (changed["success"], changed["data"]) == (True, True)
    assert read["data"] == {
        "username": username,
        "password": "Bb2_newPass+x=1 &é",
        "accountStatus": "DISABLE",
        "remark": "probe 订单",
    }
    assert [row["username"] for row in listed["data"]["list"]] == [username]
    assert (deleted["success"], deleted["data"]) == (True, True)


@pytest.mark.parametrize("username", NAMES)
async def test_a_rule_lives_its_whole_life(either_sdk: Sdk, username: str) -> None:
    await create_account(either_sdk, username)

    await create_rule(either_sdk, username, actions=("Pub", "Sub"))
    created = await rule_of(either_sdk, username)
    await either_sdk.rocketmq(
        "update_instance_acl",
        INSTANCE,
        username,
        mq.UpdateInstanceAclRequest(
            resource_type="Topic",
            resource_name="orders",
            decision="Deny",
            actions=["Pub|Sub"],
            ip_whitelists=["10.1.0.0/16"],
        ),
    )
    changed = await rule_of(either_sdk, username)
    listed = await either_sdk.rocketmq(
        "list_instance_acl", INSTANCE, mq.ListInstanceAclRequest(page_number=1, page_size=10)
    )
    deleted = await either_sdk.rocketmq(
        "delete_instance_acl",
        INSTANCE,
        username,
        mq.DeleteInstanceAclRequest(resource_type="Topic", resource_name="orders"),
    )

    assert created == {
        "regionId": "cn-hangzhou",
        "instanceId": INSTANCE,
        "aclType": "apache_acl",
        "username": username,
        "resourceType": "Topic",
        "resourceName": "orders",
        "decision": "Allow",
        "actions": ["Pub", "Sub"],
        "ipWhitelists": ["10.0.0.0/8"],
    }
    assert (changed["decision"], changed["actions"]) == ("Deny", ["Pub|Sub"])
    assert changed["ipWhitelists"] == ["10.1.0.0/16"]
    assert listed["data"]["list"] == [{**changed, "aclType": "APACHE"}]
    assert deleted["data"] is True


async def test_an_instance_shows_endpoints_acl_types_and_quotas(either_sdk: Sdk) -> None:
    shown = (await either_sdk.rocketmq("get_instance", INSTANCE))["data"]

    assert shown["status"] == "RUNNING"
    assert shown["aclInfo"]["aclTypes"] == ["default", "apache_acl"]
    assert shown["aclInfo"]["defaultVpcAuthFree"] is False
    assert [row["endpointType"] for row in shown["networkInfo"]["endpoints"]] == [
        "TCP_VPC",
        "TCP_INTERNET",
    ]
    assert shown["instanceQuotas"][0] == {
        "quotaName": "TOPIC_COUNT",
        "totalCount": 1000.0,
        "usedCount": 2.0,
        "freeCount": 998.0,
    }


async def test_topics_are_read_one_by_one_and_listed(either_sdk: Sdk) -> None:
    topic = await either_sdk.rocketmq("get_topic", INSTANCE, "payments")
    listed = await either_sdk.rocketmq(
        "list_topics",
        INSTANCE,
        mq.ListTopicsRequest(filter="ord", message_types=["NORMAL", "FIFO"]),
    )
    none = await either_sdk.rocketmq(
        "list_topics", INSTANCE, mq.ListTopicsRequest(message_types=["FIFO"])
    )

    assert topic["data"]["topicName"] == "payments"
    assert [row["topicName"] for row in listed["data"]["list"]] == ["orders"]
    assert none["data"]["list"] == []


async def test_groups_are_read_one_by_one_and_listed(either_sdk: Sdk) -> None:
    group = await either_sdk.rocketmq("get_consumer_group", INSTANCE, "GID_orders")
    listed = await either_sdk.rocketmq(
        "list_consumer_groups",
        INSTANCE,
        mq.ListConsumerGroupsRequest(filter="pay", page_number=1, page_size=10),
    )

    assert group["data"]["consumerGroupId"] == "GID_orders"
    assert [row["consumerGroupId"] for row in listed["data"]["list"]] == ["GID_payments"]


async def test_without_a_username_the_instance_account_is_read(sdk: Sdk) -> None:
    read = await sdk.rocketmq("get_instance_account", INSTANCE, mq.GetInstanceAccountRequest())
    listed = await sdk.rocketmq(
        "list_instance_account", INSTANCE, mq.ListInstanceAccountRequest(account_type="DEFAULT")
    )

    assert read["data"]["username"] == "demo0001default"
    assert [row["username"] for row in listed["data"]["list"]] == ["demo0001default"]


async def test_a_listed_account_shows_no_password(sdk: Sdk) -> None:
    await create_account(sdk, "app_orders")

    listed = await sdk.rocketmq(
        "list_instance_account", INSTANCE, mq.ListInstanceAccountRequest(account_type="CUSTOMER")
    )

    assert listed["data"]["list"] == [
        {
            "regionId": "cn-hangzhou",
            "instanceId": INSTANCE,
            "username": "app_orders",
            "accountType": "CUSTOMER",
            "accountStatus": "ENABLE",
            "remark": "",
        }
    ]


async def test_accounts_are_listed_page_by_page(sdk: Sdk) -> None:
    for number in range(5):
        await create_account(sdk, f"app{number}")

    request = mq.ListInstanceAccountRequest(account_type="CUSTOMER", page_number=3, page_size=2)
    page = (await sdk.rocketmq("list_instance_account", INSTANCE, request))["data"]

    assert [row["username"] for row in page["list"]] == ["app4"]
    assert (page["pageNumber"], page["pageSize"], page["totalCount"]) == (3, 2, 5)


async def test_rules_are_listed_by_filter(sdk: Sdk) -> None:
    await create_account(sdk, "app_orders")
    await create_rule(sdk, "app_orders", topic="orders")
    await create_rule(sdk, "app_orders", topic="payments")

    request = mq.ListInstanceAclRequest(filter="paym", page_number=1, page_size=10)
    listed = await sdk.rocketmq("list_instance_acl", INSTANCE, request)

    assert [row["resourceName"] for row in listed["data"]["list"]] == ["payments"]


async def test_a_group_rule_needs_no_whitelist(sdk: Sdk) -> None:
    await create_account(sdk, "app_orders")

    await sdk.rocketmq(
        "create_instance_acl",
        INSTANCE,
        "app_orders",
        mq.CreateInstanceAclRequest(
            resource_type="Group", resource_name="GID_orders", decision="Allow", actions=["Sub"]
        ),
    )
    request = mq.GetInstanceAclRequest(resource_type="Group", resource_name="GID_orders")
    rule = await sdk.rocketmq("get_instance_acl", INSTANCE, "app_orders", request)

    assert (rule["data"]["actions"], rule["data"]["ipWhitelists"]) == (["Sub"], [])


async def test_an_update_of_an_account_changes_only_what_it_carries(sdk: Sdk) -> None:
    await create_account(sdk, "app_orders")

    await sdk.rocketmq(
        "update_instance_account",
        INSTANCE,
        "app_orders",
        mq.UpdateInstanceAccountRequest(remark="off"),
    )
    request = mq.GetInstanceAccountRequest(username="app_orders")
    read = (await sdk.rocketmq("get_instance_account", INSTANCE, request))["data"]

    assert (read["password"], read["accountStatus"], read["remark"]) == (PASSWORD, "ENABLE", "off")


async def test_a_world_may_mask_passwords(emulator: Emulator, sdk: Sdk) -> None:
    emulator.world.change(masks_passwords=True)
    await create_account(sdk, "app_orders")

    request = mq.GetInstanceAccountRequest(username="app_orders")
    read = (await sdk.rocketmq("get_instance_account", INSTANCE, request))["data"]

    assert read["password"] == "******"
