"""What s.yaml gives a function is enough for it: no secret more, and none less."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from keylease.hosts.fc.builtin import Entry
from tests.support.staged import Staged, asking, staged
from tests.support.tree import ROOT

OF_THE_STAGE = {
    "SLACK_SIGNING_SECRET": "DEMO_SLACK_SIGNING_SECRET",
    "SLACK_BOT_TOKEN": "DEMO_SLACK_BOT_TOKEN",
    "SEALING_K1": "DEMO_SEALING_KEY",
}
"""The secrets in s.yaml, as the settings here name them."""


def given() -> dict[str, dict[str, str]]:
    """The environment variables of each function."""
    resources = yaml.safe_load((ROOT / "infra" / "s.yaml").read_text())["resources"]
    functions = {name: one for name, one in resources.items() if one["component"] == "fc3"}
    return {name: one["props"]["environmentVariables"] for name, one in functions.items()}


def variables(stage: Staged, /, *, function: str) -> dict[str, str]:
    """The stage's, without secrets that the function is not given."""
    kept_back = {ours for theirs, ours in OF_THE_STAGE.items() if theirs not in given()[function]}
    return {name: v for name, v in stage.environment.items() if name not in kept_back}


def call(method: str, path: str, /, *, body: str = "", **headers: str) -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1"}
    return {
        "version": "v1",
        "rawPath": path,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {"http": http},
    }


async def answered(entry: Entry, payload: Any) -> Any:
    try:
        return await asyncio.to_thread(entry.handler, json.dumps(payload).encode(), None)
    finally:
        await asyncio.to_thread(entry.pre_stop, None)


async def test_an_entrance_takes_in_with_what_proves_senders_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        entry = Entry("intake", variables=variables(stage, function="intake"))
        bearer, kind = f"Bearer {stage.bearer}", "application/cloudevents+json"
        body = json.dumps(asking())
        asked = call("POST", "/events", body=body, authorization=bearer, content_type=kind)
        answer = await answered(entry, asked)

    assert answer["statusCode"] == 202


async def test_the_claim_page_opens_with_the_sealing_key_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        entry = Entry("claim", variables=variables(stage, function="claim"))
        answer = await answered(entry, call("GET", "/claim/unknown"))

    assert answer["statusCode"] == 404


async def test_a_worker_grants_and_tells_with_what_it_is_given(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        entry = Entry("intake", variables=variables(stage, function="requests"))
        answer = await answered(entry, asking())
        types = [one["type"] for one in stage.receiver.events]

    assert json.loads(answer) == {"calm": True, "done": 1}
    assert "io.keylease.lease.activated.v1" in types


@pytest.mark.parametrize("name", sorted(given().keys() - {"intake", "claim", "requests"}))
def test_all_workers_are_given_the_same(name: str) -> None:
    assert given()[name] == given()["requests"]


def test_an_entrance_is_given_no_more_than_its_own() -> None:
    assert OF_THE_STAGE.keys() & given()["intake"].keys() == {"SLACK_SIGNING_SECRET"}
    assert OF_THE_STAGE.keys() & given()["claim"].keys() == {"SEALING_K1"}
    assert OF_THE_STAGE.keys() & given()["requests"].keys() == {"SLACK_BOT_TOKEN", "SEALING_K1"}
