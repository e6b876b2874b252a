"""A password that passes through the emulator is in no log, repr, journal or control answer."""

import json
import logging

import pytest
from alibabacloud_rocketmq20220801 import models as mq

from keylease.emulator import Emulator, FaultKind, FaultPlan
from keylease.emulator.call import Call
from keylease.emulator.envelope import json_answer
from keylease.emulator.redis_mirror import RedisMirror
from keylease.emulator.wire import Wire
from keylease.emulator.world import AccessKey, RedisAccount
from tests.emulator.raw import Raw, exchange, send
from tests.emulator.sdk import INSTANCE, REDIS, code_of, official_sdk

CANARY = "Canary-4711-pw"
APP = {"InstanceId": REDIS, "AccountName": "app1"}


async def used(emulator: Emulator) -> None:
    """Every call that carries a password, by query, form and JSON; some fail."""
    sdk = official_sdk(emulator.url, mode="async")
    create = mq.CreateInstanceAccountRequest(username="app", password=CANARY)
    await sdk.rocketmq("create_instance_account", INSTANCE, create)
    await code_of(sdk.rocketmq("create_instance_account", INSTANCE, create))
    update = mq.UpdateInstanceAccountRequest(password=CANARY)
    await sdk.rocketmq("update_instance_account", INSTANCE, "app", update)
    read = mq.GetInstanceAccountRequest(username="app")
    await sdk.rocketmq("get_instance_account", INSTANCE, read)
    emulator.faults.plan(FaultPlan(kind=FaultKind.SERVER_ERROR, operation="CreateAccount"))
    for raw in (Raw.kvstore, Raw.kvstore_form) * 2:
        await send(emulator.url, raw("CreateAccount", **APP, AccountPassword=CANARY))
    await send(emulator.url, Raw.kvstore("CreateAccount", **APP, AccountPassword=CANARY + " "))
    await exchange(f"{emulator.url}/?Action=CreateAccount&AccountPassword={CANARY}")


async def test_no_log_line_holds_a_password(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("keylease.emulator", "aiohttp.server", "aiohttp.web", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)

    await used(emulator)

    assert "emulator.call CreateInstanceAccount 200" in caplog.text
    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("keylease", "aiohttp", "asyncio"))
    ]
    assert CANARY not in "\n".join(ours)


async def test_no_repr_or_control_answer_holds_a_password(emulator: Emulator) -> None:
    await used(emulator)

    shown = [
        repr(emulator),
        repr(emulator.journal),
        repr(emulator.world.rocketmq.all()),
        repr(emulator.world.redis.all()),
        json.dumps((await exchange(f"{emulator.url}/_emulator/state")).body),
        json.dumps((await exchange(f"{emulator.url}/_emulator/journal")).body),
    ]
    assert [text for text in shown if CANARY in text or "testsecret" in text] == []
    assert "app1" in shown[3]


def test_no_value_shows_a_password_in_its_repr(emulator: Emulator) -> None:
    wire = Wire.received(
        method="POST",
        target=f"/?AccountPassword={CANARY}",
        headers=(("authorization", CANARY),),
        body=CANARY.encode(),
    )
    key = AccessKey.model_validate({"id": "a", "secret": CANARY, "security_token": CANARY})
    call = Call(
        operation="CreateAccount",
        live=emulator.world,
        wire=wire,
        path={},
        parameters=wire.parameters(),
        caller=key,
        now=emulator.clock.now(),
    )
    values = (
        wire,
        key,
        call,
        json_answer({"password": CANARY}),
        RedisAccount.model_validate({"name": "app1", "password": CANARY}),
        RedisMirror(f"redis://:{CANARY}@127.0.0.1"),
    )

    assert call.parameters["AccountPassword"] == CANARY
    assert [value for value in values if CANARY in repr(value)] == []
