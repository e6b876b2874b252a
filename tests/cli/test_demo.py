"""The demo notices when a promise is not kept, and its helpers read Slack as people do."""

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from keylease.cli import demo_timeline
from keylease.cli.demo_inbox import button, link, text_with
from keylease.cli.demo_people import Claimed
from keylease.cli.demo_receiver import receiving
from keylease.cli.demo_redis import RedisServer, redis_server
from keylease.cli.demo_story import Story
from keylease.cli.demo_timeline import Timeline, Unkept
from keylease.domain.secret import Secret
from keylease.emulator.slack import FakeSlack, StandingMessage

ANA = "U0ANA0001"


def timeline(lines: list[str]) -> Timeline:
    return Timeline(write=lines.append, now=lambda: 1.5)


def test_a_kept_promise_counts_and_a_broken_one_is_named() -> None:
    lines: list[str] = []
    told = timeline(lines)

    told.check("it works", holds=True)
    told.check("it ends", holds=False)

    assert (told.kept, told.broken) == (1, ["it ends"])
    assert lines == ["    1.5s  [ok] it works", "    1.5s  [BROKEN] it ends"]


def test_a_long_line_is_wrapped_below_itself() -> None:
    lines: list[str] = []

    timeline(lines).tell("word " * 30)

    assert len(lines) == 2
    assert lines[1].startswith(" " * 10 + "word")


def test_a_demand_that_fails_ends_the_demo() -> None:
    told = timeline([])

    with pytest.raises(Unkept):
        told.demand("there is a link", holds=False)

    assert told.broken == ["there is a link"]


async def test_what_never_comes_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_timeline, "PATIENCE", 0.05)
    told = Timeline(write=lambda _: None, now=asyncio.get_running_loop().time)

    with pytest.raises(Unkept):
        await told.wait("an answer", lambda: None)

    assert told.broken == ["an answer comes within 0 s"]


class Obliging:
    """A Redis server that lets everybody write."""

    async def ask(self, *command: str, **_: Any) -> str:
        return "hello" if command[0] == "GET" else "+OK"


async def test_a_write_that_is_not_refused_breaks_the_demo() -> None:
    told = timeline([])
    stage: Any = SimpleNamespace(redis=Obliging())
    nobody: Any = None
    story = Story(stage=stage, timeline=told, ana=nobody, bo=nobody)

    await story.use(Claimed("kl1", Secret("x")))

    assert told.broken == ["writing is refused"]


async def test_the_redis_client_reads_what_a_real_server_says() -> None:
    async with redis_server() as server:
        await server.ask("ACL", "SETUSER", "ana", "on", ">pw", "+@read", "~*")
        await server.ask("SET", "greeting", "hello there")
        secret = Secret("pw")

        assert await server.ask("GET", "greeting") == "hello there"
        assert await server.ask("GET", "nothing") == "$-1"
        assert await server.ask("GET", "greeting", username="ana", password=secret) == "hello there"
        denied = await server.ask("SET", "a", "b", username="ana", password=secret)
        assert denied.startswith("-NOPERM")
        wrong = await server.ask("PING", username="ana", password=Secret("other"))
        assert wrong.startswith("-WRONGPASS")

    with pytest.raises(OSError, match="Connect call failed"):
        await RedisServer(server.port).ask("PING")


async def test_the_receiver_believes_only_what_is_signed() -> None:
    async with (
        receiving(Secret("whsec_" + "QUJD" * 10)) as receiver,
        aiohttp.ClientSession() as session,
        session.post(receiver.url, data=b"{}") as response,
    ):
        assert (response.status, receiver.refused, receiver.events) == (401, 1, [])


def slack_with(*messages: StandingMessage) -> FakeSlack:
    return FakeSlack(token="xoxb-1", messages=list(messages))


def message(text: str, *blocks: dict[str, Any], channel: str = "D0ANA0001") -> StandingMessage:
    return StandingMessage(channel=channel, ts="1.0", text=text, blocks=list(blocks))


def test_people_read_their_own_messages_only() -> None:
    slack = slack_with(message("for bo", channel="D0BO00001"), message("req-1 is denied"))

    assert text_with(slack, ANA, "denied") == "req-1 is denied"
    assert text_with(slack, ANA, "for bo") is None


def test_a_link_and_a_button_are_found_where_slack_shows_them() -> None:
    section = {"type": "section", "text": {"text": "<http://127.0.0.1:1/claim/abc|Show it>"}}
    press = {"action_id": "access_approve", "value": "req-1:d", "text": {}}
    slack = slack_with(message("req-1 is active", section, {"elements": [press]}))

    assert link(slack, ANA, "is active") == "http://127.0.0.1:1/claim/abc"
    assert link(slack, ANA, "is over") is None
    assert button(slack, ANA, "access_approve") == {
        "action_id": "access_approve",
        "value": "req-1:d",
    }
    assert button(slack, ANA, "access_deny") is None
