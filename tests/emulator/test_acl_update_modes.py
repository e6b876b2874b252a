"""UpdateInstanceAcl replaces, merges or clears: the vendor does not say, so all three exist."""

from typing import Any

import pytest
from alibabacloud_rocketmq20220801 import models as mq

from keylease.emulator import AclUpdate, Emulator
from tests.emulator.raw import exchange
from tests.emulator.sdk import INSTANCE, Body, Sdk, create_account, create_rule, rule_of


async def updated(sdk: Sdk, **changes: Any) -> Body:  # any field of the request
    await create_account(sdk, "app")
    await create_rule(sdk, "app", actions=("Pub",), networks=("10.0.0.0/8",))
    request = mq.UpdateInstanceAclRequest(resource_type="Topic", resource_name="orders", **changes)
    await sdk.rocketmq("update_instance_acl", INSTANCE, "app", request)
    rule = await rule_of(sdk, "app")
    return {name: rule[name] for name in ("decision", "actions", "ipWhitelists")}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (AclUpdate.REPLACE, {"actions": ["Sub"], "ipWhitelists": ["10.0.0.0/8"]}),
        (AclUpdate.MERGE, {"actions": ["Pub", "Sub"], "ipWhitelists": ["10.0.0.0/8"]}),
        (AclUpdate.OMITTED_CLEARS, {"actions": ["Sub"], "ipWhitelists": []}),
    ],
)
async def test_given_actions_and_omitted_networks(
    emulator: Emulator, sdk: Sdk, mode: AclUpdate, expected: Body
) -> None:
    emulator.world.change(acl_update=mode)

    assert await updated(sdk, decision="Allow", actions=["Sub"]) == {
        "decision": "Allow",
        **expected,
    }


@pytest.mark.parametrize(
    ("mode", "decision", "networks"),
    [
        (AclUpdate.REPLACE, "Allow", ["172.16.0.1"]),
        (AclUpdate.MERGE, "Allow", ["10.0.0.0/8", "172.16.0.1"]),
        (AclUpdate.OMITTED_CLEARS, "", ["172.16.0.1"]),
    ],
)
async def test_given_networks_and_omitted_decision(
    emulator: Emulator, sdk: Sdk, mode: AclUpdate, decision: str, networks: list[str]
) -> None:
    emulator.world.change(acl_update=mode)

    rule = await updated(sdk, actions=["Pub"], ip_whitelists=["172.16.0.1"])

    assert rule == {"decision": decision, "actions": ["Pub"], "ipWhitelists": networks}


@pytest.mark.parametrize("mode", [AclUpdate.REPLACE, AclUpdate.OMITTED_CLEARS])
async def test_a_complete_rule_reads_back_as_sent(
    emulator: Emulator, sdk: Sdk, mode: AclUpdate
) -> None:
    emulator.world.change(acl_update=mode)

    rule = await updated(sdk, decision="Deny", actions=["Pub|Sub"], ip_whitelists=["0.0.0.0/0"])

    assert rule == {"decision": "Deny", "actions": ["Pub|Sub"], "ipWhitelists": ["0.0.0.0/0"]}


async def test_the_mode_can_be_switched_from_outside(emulator: Emulator, sdk: Sdk) -> None:
    await exchange(
        f"{emulator.url}/_emulator/settings", method="PATCH", body=b'{"acl_update": "merge"}'
    )

    rule = await updated(sdk, decision="Allow", actions=["Sub"])

    assert rule["actions"] == ["Pub", "Sub"]
