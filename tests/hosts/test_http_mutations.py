"""Nothing but the exact signed bytes is let in, and nothing that anybody writes is our fault.

A sample runs every time; with KEYLEASE_LONG=1 a hundred thousand mutations do.
"""

import asyncio
import json
import os
from contextlib import suppress
from datetime import timedelta
from random import Random  # noqa: TID251  # seeded: a failing mutation is made again

import pytest

from keylease.ports.doors import Call
from tests.support.desk import EVENTS, SLACK, WEBHOOK, Client, Desk, send
from tests.support.doors import (
    BEARER,
    CLOCK,
    JSON,
    command_body,
    event,
    message,
    press_body,
    slack_call,
    webhook_call,
    with_headers,
)
from tests.support.mutate import MUTATIONS, flip_a_bit

IS_LONG = bool(os.environ.get("KEYLEASE_LONG"))  # noqa: TID251  # a switch of the test run
MANY = 100_000 if IS_LONG else 2_000
SOME = 5_000 if IS_LONG else 200
STRUCTURED = "application/cloudevents+json"
MENTION = {
    "type": "event_callback",
    "team_id": "T0FAKE001",
    "event_id": "Ev1",
    "event": {"type": "app_mention", "user": "U0REQ0001", "text": "<@U1> request orders-read"},
}
ASK = "request orders-read for 8h because INC-4711 replay"
GENUINE: tuple[tuple[str, Call], ...] = (
    (SLACK, slack_call(command_body(ASK))),
    (SLACK, slack_call(press_body("req-a2b3:0"))),
    (SLACK, slack_call(json.dumps(MENTION).encode(), kind=JSON)),
    (WEBHOOK, webhook_call(message())),
    (EVENTS, webhook_call(json.dumps(event()).encode(), kind=STRUCTURED)),
)


async def test_each_of_the_calls_is_let_in_as_it_is() -> None:
    async with Desk().client() as client:
        statuses = [(await send(client, call, path=path))[0] for path, call in GENUINE]

    assert statuses == [200, 200, 200, 200, 202]


@pytest.mark.timeout(900)
async def test_no_mutation_is_let_in_or_is_our_fault() -> None:
    desk, chance = Desk(), Random(4711)  # noqa: S311  # as said

    async with desk.client() as client:
        for _ in range(MANY):
            path, call = chance.choice(GENUINE)
            mutation = chance.choice(MUTATIONS)
            status, _ = await send(client, mutation(call, chance), path=path)
            assert 400 <= status < 500, (mutation.__name__, path, status)

    assert await desk.submitted() == ()
    assert await desk.store.audit() == ()


async def test_no_call_is_let_in_outside_of_its_time() -> None:
    desk, chance = Desk(), Random(4711)  # noqa: S311  # as said

    async with desk.client() as client:
        for _ in range(SOME):
            path, call = chance.choice(GENUINE)
            shift = chance.choice([-1, 1]) * (300.001 + chance.random() * 10**6)
            desk.clock.at = CLOCK + timedelta(seconds=shift)
            assert (await send(client, call, path=path))[0] == 401

    assert await desk.store.audit() == ()


async def test_a_signature_for_one_door_opens_no_other() -> None:
    async with Desk().client() as client:
        for path, call in GENUINE:
            for other in {SLACK, WEBHOOK, EVENTS} - {path}:
                if {path, other} == {WEBHOOK, EVENTS}:
                    continue  # one secret opens both of them here
                assert (await send(client, call, path=other))[0] == 401


def signed(path: str, body: bytes, kind: str, message_id: str) -> Call:
    if path == SLACK:
        return slack_call(body, kind=kind)
    call = webhook_call(body, kind=kind, message_id=message_id)
    token = (("Authorization", f"Bearer {BEARER.reveal()}"),)
    return with_headers(call, extra=token) if path == EVENTS else call


async def test_no_genuine_nonsense_is_our_fault() -> None:
    desk, chance = Desk(), Random(4711)  # noqa: S311  # as said

    async with desk.client() as client:
        for number in range(SOME * 2):
            path, call = chance.choice(GENUINE)
            for _ in range(1 + chance.randrange(3)):
                if len(call.body) > 1:
                    call = chance.choice(MUTATIONS[:6])(call, chance)
            kind = call.all("content-type")[0]
            again = signed(path, call.body, kind, f"msg_{number}")
            status, _ = await send(client, again, path=path)
            assert status < 500, (path, call.body)


ROUTES = (SLACK, WEBHOOK, EVENTS, "/healthz", "/readyz", "/hooks/slack/%ff", "/", "//")
METHODS = ("POST", "GET", "OPTIONS", "PUT", "HEAD", "PO ST", "\x00", "post")
HEADERS = (
    "Content-Type: application/json", "Content-Length: -1", "Content-Length: 5",
    "Content-Length: 99999999999", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
    "Content-Encoding: deflate", "Expect: 100-continue", "Authorization: Bearer \xff",
    "X-Slack-Signature: v0=\xe9", "X-Slack-Request-Timestamp: 1767225600", "webhook-id: a",
    "ce-id: %", "Connection: upgrade", "Upgrade: websocket", ": empty", "no colon", "Cookie: \x01",
)  # fmt: skip


async def answer_to(client: Client, raw: bytes) -> bytes:
    """The first line that the server says to raw bytes; nothing when it hangs up or waits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        writer.write(raw)
        async with asyncio.timeout(0.05):  # it waits for the rest of what looks unfinished
            return await reader.readline()
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_no_bytes_at_all_are_our_fault() -> None:
    chance = Random(4711)  # noqa: S311  # as said
    answered = 0

    async with Desk().client() as client:
        for _ in range(SOME):
            method, route = chance.choice(METHODS), chance.choice(ROUTES)
            headers = chance.sample(HEADERS, chance.randrange(5))
            start = "\r\n".join([f"{method} {route} HTTP/1.1", "Host: a", *headers])
            body = chance.randbytes(chance.randrange(64))
            raw = flip_raw(f"{start}\r\n\r\n".encode("latin-1") + body, chance)
            line = await answer_to(client, raw)
            answered += bool(line)
            assert b" 5" not in line[:10], (raw, line)

    assert answered > SOME / 2


@pytest.mark.parametrize("route", [b"/healthz", b"/nowhere", b"/events"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_an_expectation_that_is_no_text_is_not_our_fault(route: bytes, method: bytes) -> None:
    raw = method + b" " + route + b" HTTP/1.1\r\nHost: a\r\nExpect: \xee\r\n\r\n"

    async with Desk().client() as client:
        assert (await answer_to(client, raw)).startswith(b"HTTP/1.1 417")


async def test_no_bytes_of_a_broken_request_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    broken = b"POST /hooks/slack/t1 HTTP/1.1\r\nX-Slack-Signature: v0=canary\x01\r\n\r\n"

    async with Desk().client() as client:
        line = await answer_to(client, broken)

    assert line.startswith(b"HTTP/1.0 400")
    assert "canary" not in caplog.text


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhello", b"5\r\nhelloXX\r\n", b"-1\r\n\r\n"])
async def test_a_body_in_broken_chunks_is_not_our_fault(body: bytes) -> None:
    start = b"POST /hooks/slack/t1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    async with Desk().client() as client:
        assert b" 5" not in (await answer_to(client, start + body))[:10]


def flip_raw(raw: bytes, chance: Random) -> bytes:
    """Now and then, one bit of the whole request flipped."""
    call = Call(method="", path="", headers=(), body=raw)
    return flip_a_bit(call, chance).body if chance.random() < 0.3 else raw
