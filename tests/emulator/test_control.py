"""The control endpoint plans faults, moves the clock, switches settings and shows the state."""

import json
from typing import Any

import pytest

from keylease.emulator import Emulator, FaultKind, FaultPlan
from keylease.emulator.control import Control
from keylease.emulator.wire import Wire
from tests.emulator.raw import Raw, Reply, exchange, send
from tests.emulator.sdk import INSTANCE, REDIS, Sdk, create_account, create_rule

READ = Raw.kvstore("DescribeAccounts", InstanceId=REDIS)


async def control(emulator: Emulator, method: str, name: str, document: Any = None) -> Reply:
    body = b"" if document is None else json.dumps(document).encode()
    return await exchange(f"{emulator.url}/_emulator/{name}", method=method, body=body)


async def test_a_fault_is_planned_listed_and_cleared(emulator: Emulator) -> None:
    plan = {"kind": "throttle", "operation": "DescribeAccounts", "retry_after": "PT2S"}

    planned = await control(emulator, "POST", "faults", plan)
    struck = await send(emulator.url, READ)
    await control(emulator, "POST", "faults", [plan, plan])
    cleared = await control(emulator, "DELETE", "faults")
    after = await send(emulator.url, READ)

    assert planned.body[0]["operation"] == "DescribeAccounts"
    assert struck.code == (400, "Throttling.User")
    assert struck.headers["x-acs-retry-after"] == "2000"
    assert (cleared.body, after.status) == ([], 200)


async def test_the_clock_moves_for_everybody(emulator: Emulator) -> None:
    before = emulator.clock.now()

    moved = await control(emulator, "POST", "clock", {"advance": "PT16M"})

    assert (emulator.clock.now() - before).total_seconds() == 960
    assert moved.body["now"] == emulator.clock.now().isoformat()
    assert (await send(emulator.url, READ)).code == (400, "InvalidTimeStamp.Expired")


async def test_settings_are_switched(emulator: Emulator) -> None:
    changed = await control(emulator, "PATCH", "settings", {"masks_passwords": True})

    assert changed.body["masks_passwords"] is True
    assert emulator.world.settings.masks_passwords is True


async def test_state_and_journal_are_shown(emulator: Emulator, sdk: Sdk) -> None:
    await create_account(sdk, "app")
    await create_rule(sdk, "app")

    state = (await control(emulator, "GET", "state")).body
    journal = (await control(emulator, "GET", "journal")).body

    cleared = (await control(emulator, "DELETE", "journal")).body

    [instance] = state["rocketmq"]
    assert instance["id"] == INSTANCE
    assert [row["username"] for row in instance["accounts"]] == ["demo0001default", "app"]
    assert [row["password"] for row in instance["accounts"]] == ["**********"] * 2
    assert instance["rules"][0]["actions"] == ["Pub"]
    assert [(row["operation"], row["outcome"]) for row in journal] == [
        ("CreateInstanceAccount", "OK"),
        ("CreateInstanceAcl", "OK"),
    ]
    assert (cleared, emulator.journal.entries) == ([], [])


@pytest.mark.parametrize(
    ("method", "name", "document"),
    [
        ("POST", "faults", {"kind": "earthquake"}),
        ("POST", "faults", {"kind": "refuse", "wrong": 1}),
        ("POST", "faults", {"kind": "slow", "delay": "P9999D"}),
        ("POST", "faults", 7),
        ("POST", "clock", {"advance": "P9999D"}),
        ("POST", "clock", {}),
        ("POST", "clock", []),
        ("PATCH", "settings", {"acl_update": "maybe"}),
        ("PATCH", "settings", {"redis_name_pattern": "("}),
        ("PATCH", "settings", {"unknown": 1}),
        ("PATCH", "settings", []),
    ],
)
async def test_a_wrong_control_changes_nothing(
    emulator: Emulator, method: str, name: str, document: Any
) -> None:
    before = (emulator.world.settings, emulator.clock.now())

    reply = await control(emulator, method, name, document)

    assert reply.status == 400
    assert emulator.faults.plans() == ()
    assert (emulator.world.settings, emulator.clock.now()) == before


async def test_a_body_that_is_no_json_is_refused(emulator: Emulator) -> None:
    url = f"{emulator.url}/_emulator/faults"

    assert (await exchange(url, method="POST", body=b"{")).status == 400


async def test_an_unknown_control_is_not_found(emulator: Emulator) -> None:
    assert (await control(emulator, "GET", "nothing")).status == 404
    assert (await control(emulator, "PUT", "faults")).status == 404


@pytest.mark.parametrize("peer", ["10.0.0.1", "fe80::1", None, "nobody"])
async def test_another_machine_is_refused(emulator: Emulator, peer: str | None) -> None:
    wire = Wire.received(method="GET", target="/_emulator/state", headers=(), body=b"")

    assert Control(emulator.cloud).answer(wire, peer=peer).status == 403


@pytest.mark.parametrize("kind", list(FaultKind))
async def test_every_kind_can_be_planned_from_outside(emulator: Emulator, kind: FaultKind) -> None:
    await control(emulator, "POST", "faults", {"kind": kind.value})

    assert emulator.faults.plans() == (FaultPlan(kind=kind),)
