"""Who calls too often is told when to come again, and keeps nobody else out."""

import json
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from keylease.cli.demo_stage import made_secrets, write_files
from keylease.hosts import limits
from keylease.hosts.limits import Limit
from keylease.hosts.local import serving
from keylease.ports.doors import Call
from keylease.runtime.settings import read_settings
from tests.support.desk import EVENTS, SLACK, WEBHOOK, Client, Desk, send
from tests.support.doors import (
    BEARER,
    CLOCK,
    command_body,
    event,
    message,
    slack_call,
    webhook_call,
    with_body,
    with_headers,
)
from tests.support.people import SetClock

LIN = ("slack", "T1", "lin")
AGAIN = ("X-Slack-Retry-Num", "1")


def help_of(user: str, number: int = 0) -> Call:
    """A genuine command."""
    return slack_call(command_body("help", user_id=user, trigger_id=f"1.{number}"))


async def status(client: Client, call: Call, *, path: str = SLACK) -> int:
    return (await send(client, call, path=path))[0]


def test_so_many_calls_may_come_at_once_and_then_one_by_one() -> None:
    clock = SetClock(at=CLOCK)
    limit = Limit(30, clock)

    assert [limit.take(LIN) for _ in range(31)] == [0] * 30 + [2]
    clock.at += timedelta(seconds=1)
    assert limit.take(LIN) == 1
    clock.at += timedelta(seconds=1)
    assert [limit.take(LIN), limit.take(LIN)] == [0, 2]
    clock.at += timedelta(days=1)
    assert [limit.take(LIN) for _ in range(31)] == [0] * 30 + [2]


def test_a_clock_that_is_set_back_gives_and_takes_nothing() -> None:
    clock = SetClock(at=CLOCK)
    limit = Limit(60, clock)
    limit.take(LIN, calls=59)

    clock.at -= timedelta(hours=1)

    assert [limit.take(LIN), limit.take(LIN)] == [0, 1]


def test_a_batch_passes_as_a_whole_and_is_paid_for_afterwards() -> None:
    limit = Limit(60, SetClock(at=CLOCK))

    assert limit.take(LIN, calls=100) == 0
    assert limit.take(LIN) == 41


def test_no_limit_keeps_no_buckets() -> None:
    limit = Limit(0, SetClock(at=CLOCK))

    assert {limit.take(LIN) for _ in range(1000)} == {0}
    assert limit.buckets == {}


def test_only_so_many_senders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    limit = Limit(1, SetClock(at=CLOCK))

    for name in "abcadefa":
        limit.take((name,))

    assert list(limit.buckets) == [("e",), ("f",), ("a",)]
    assert limit.take(("a",)) == 120 - 60


async def test_a_person_who_calls_too_often_is_told_when_to_come_again() -> None:
    desk = Desk(a_minute={"people": 2})

    async with desk.client() as client:
        first = [await status(client, help_of("U0REQ0001", n)) for n in range(3)]
        async with client.post(
            SLACK, data=help_of("U0REQ0001").body, headers=help_of("U0REQ0001").headers
        ) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "30")
            assert await refused.read() == b""
        other = await status(client, help_of("U0APPR001"))
        desk.clock.at += timedelta(seconds=30)
        later = await status(client, help_of("U0REQ0001"))

    assert (first, other, later) == ([200, 200, 429], 200, 200)


async def test_what_slack_sends_again_is_taken_whatever_came_before() -> None:
    call = help_of("U0REQ0001")

    async with Desk(a_minute={"people": 1}).client() as client:
        assert await status(client, call) == 200
        assert await status(client, call) == 429
        assert await status(client, with_headers(call, extra=(AGAIN,))) == 200


async def test_a_machine_is_counted_by_what_it_sends() -> None:
    batch = (
        ("Content-Type", "application/cloudevents-batch+json"),
        ("Authorization", f"Bearer {BEARER.reveal()}"),
    )
    body = json.dumps([event(id=str(n)) for n in range(3)]).encode()
    events = Call(method="POST", path=EVENTS, headers=batch, body=body)

    async with Desk(a_minute={"machines": 3, "people": 1}).client() as client:
        sent = [await status(client, webhook_call(message()), path=WEBHOOK) for _ in range(4)]
        batches = [await status(client, events, path=EVENTS) for _ in range(2)]

    assert sent == [200, 200, 200, 429]
    assert batches == [202, 429]


async def test_forgeries_from_an_address_keep_nobody_genuine_out() -> None:
    forged = with_body(help_of("U0REQ0001"), b"text=forged")

    with capture_logs() as lines:
        async with Desk(a_minute={"addresses": 3}).client() as client:
            refused = [await status(client, forged) for _ in range(9)]
            unknown = await status(client, forged, path="/hooks/slack/nobody")
            genuine = await status(client, help_of("U0REQ0001"))

    assert refused == [401] * 3 + [429] * 6
    assert (unknown, genuine) == (429, 200)
    said = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert said == ["intake.rejected"] * 3 + ["intake.limited"]


def test_refused_calls_are_counted_in_one_line_a_minute() -> None:
    clock = SetClock(at=CLOCK)
    limit = Limit(1, clock)

    with capture_logs() as lines:
        for _ in range(5):
            limit.say(LIN)
        clock.at += timedelta(minutes=1)
        limit.say(LIN)

    assert lines == [
        {"event": "intake.limited", "log_level": "warning", "sender": "slack/T1/lin", "refused": n}
        for n in (1, 5)
    ]


@pytest.mark.parametrize(
    ("remote", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2:ffff::1", "2001:0db8:0001:0002"),
        ("2001:db8::1", "2001:0db8:0000:0000"),
        (None, "unknown"),
    ],
)
def test_one_who_has_many_addresses_of_one_network_is_one(remote: str | None, key: str) -> None:
    assert limits.network_of(remote) == key


async def test_claims_of_one_address_are_counted_and_looking_is_not(tmp_path: Path) -> None:
    write_files(tmp_path)
    variables = made_secrets() | {
        "KEYLEASE_SINKS__EVENTS__URL": "http://127.0.0.1:9/events",
        "KEYLEASE_LIMITS__ADDRESSES": "2",
    }
    settings = read_settings(tmp_path / "keylease.yaml", variables=variables)

    async with serving(settings) as served, aiohttp.ClientSession() as session:
        url = f"{served.url}/claim/no-such-token"
        posts = [await session.post(url, headers={"Sec-Fetch-Site": "same-origin"}) for _ in "abc"]
        looks = [await session.get(url) for _ in "abc"]

    assert [one.status for one in posts] == [404, 404, 429]
    assert posts[2].headers["Retry-After"] == "30"
    assert [one.status for one in looks] == [404, 404, 404]
