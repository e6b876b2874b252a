"""A world comes from YAML or JSON; a wrong one is refused by its place, without its secrets."""

from pathlib import Path

import pytest

from keylease.emulator import load_world, running
from keylease.errors import Misconfigured
from tests.emulator.sdk import official_sdk

WORLD = Path(__file__).parent / "data" / "world.yaml"


async def test_a_world_file_replaces_the_default_world() -> None:
    async with running(world=load_world(WORLD)) as emulator:
        sdk = official_sdk(emulator.url, mode="async", key_id="other", secret="other-secret")
        shown = await sdk.rocketmq("get_instance", "rmq-cn-other001")
        accounts = await sdk.kvstore("describe_accounts", instance_id="r-other001")

    assert shown["data"]["aclInfo"]["defaultVpcAuthFree"] is True
    assert [row["AccountName"] for row in accounts["Accounts"]["Account"]] == [
        "r-other001",
        "app1",
    ]
    assert emulator.world.settings.redis_settles_after.total_seconds() == 5


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"redis": [{"id": "r-1", "port": 7000}]}', encoding="utf-8")

    assert load_world(path).redis[0].port == 7000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("redis: [{id: r-1, port: many}]", "redis.0.port: Input should be a valid integer"),
        ("access_keys: [{id: a, secret: [hush-canary]}]", "access_keys.0.secret"),
        ("nothing: 1", "nothing: Extra inputs are not permitted"),
        ("redis: [", "no readable YAML or JSON"),
        ("[1]", "valid dictionary"),
        ("", "valid dictionary"),
    ],
)
def test_a_wrong_world_is_refused_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Misconfigured) as refused:
        load_world(path)

    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "hush-canary" not in str(refused.value)


def test_a_missing_world_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"FileNotFoundError\): name a file"):
        load_world(tmp_path / "nothing.yaml")
