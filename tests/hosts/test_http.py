"""The HTTP host: statuses, limits, and what is said to whom."""

import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog.testing

from keylease.domain.intake import Arrived, Reply
from keylease.errors import BadInput, Conflict, ProviderTransient
from keylease.hosts.http import Receive
from keylease.ports.doors import Call
from tests.support.desk import EVENTS, SLACK, WEBHOOK, Desk, send
from tests.support.doors import (
    BEARER,
    command_body,
    event,
    message,
    press_body,
    slack_call,
    webhook_call,
    with_body,
    with_headers,
)
from tests.support.said import with_bound

ASK = "request orders-read for 8h because INC-4711 replay"
BEARER_OF = ("Authorization", f"Bearer {BEARER.reveal()}")


def event_call(body: object) -> Call:
    headers = (("Content-Type", "application/cloudevents+json"), BEARER_OF)
    return Call(method="POST", path=EVENTS, headers=headers, body=json.dumps(body).encode())


GENUINE = {
    SLACK: slack_call(command_body(ASK)),
    WEBHOOK: webhook_call(message()),
    EVENTS: event_call(event()),
}


@pytest.mark.parametrize(("path", "status"), [(SLACK, 200), (WEBHOOK, 200), (EVENTS, 202)])
async def test_a_genuine_message_sent_twice_has_one_effect(path: str, status: int) -> None:
    desk = Desk()

    async with desk.client() as client:
        first = await send(client, GENUINE[path], path=path)
        again = await send(client, GENUINE[path], path=path)

    assert first == again
    assert first[0] == status
    assert len(await desk.submitted()) == 1
    assert len(await desk.store.audit()) == 1


async def test_a_slack_command_is_answered_to_its_sender_alone() -> None:
    async with Desk().client() as client:
        status, body = await send(client, GENUINE[SLACK], path=SLACK)

    answer = json.loads(body)
    assert status == 200
    assert answer["response_type"] == "ephemeral"
    assert "is received" in answer["text"]


async def test_nothing_that_a_sender_writes_mentions_anybody() -> None:
    body = command_body("<!channel> <@U0APPR001> <https://evil.example.com|click>")

    async with Desk().client() as client:
        _, answer = await send(client, slack_call(body), path=SLACK)

    assert b"<" not in answer
    assert b"&lt;!channel&gt;" in answer


async def test_a_command_that_is_not_understood_is_answered_with_a_form() -> None:
    async with Desk().client() as client:
        status, body = await send(client, slack_call(command_body("requst")), path=SLACK)

    assert status == 200
    assert "did you mean 'request'?" in json.loads(body)["text"]


async def test_a_button_is_acknowledged_empty() -> None:
    call = slack_call(press_body("req-absent:0"))

    async with Desk().client() as client:
        assert await send(client, call, path=SLACK) == (200, b"")


async def test_a_webhook_that_asks_for_what_is_not_there_is_told_so() -> None:
    async with Desk().client() as client:
        status, body = await send(
            client, webhook_call(message(entitlement="nothing")), path=WEBHOOK
        )

    assert status == 422
    assert "no entitlement is called 'nothing'" in json.loads(body)["text"]


async def test_a_batch_is_taken_in_whole() -> None:
    desk = Desk()
    batch = event_call([event(id="a"), event(id="b")])
    kind = ("content-type", "application/cloudevents-batch+json")

    async with desk.client() as client:
        status, body = await send(client, with_headers(batch, kind), path=EVENTS)

    assert status == 202
    assert len(json.loads(body)["replies"]) == 2
    assert len(await desk.submitted()) == 2


async def test_the_handshake_names_known_origins_only() -> None:
    async with Desk().client() as client:
        known = await client.options(EVENTS, headers={"WebHook-Request-Origin": "bus.example.com"})
        other = await client.options(EVENTS, headers={"WebHook-Request-Origin": "evil.example.com"})

    assert (known.status, known.headers["WebHook-Allowed-Origin"]) == (200, "bus.example.com")
    assert (other.status, "WebHook-Allowed-Origin" in other.headers) == (405, False)


REFUSED: dict[str, tuple[int, Callable[[Call], Call]]] = {
    "a changed body": (401, lambda call: with_body(call, call.body + b" ")),
    "no body": (401, lambda call: with_body(call, b"")),
    "invalid UTF-8": (401, lambda call: with_body(call, b"\xff\xfe")),
    "too large": (413, lambda call: with_body(call, b"x" * (1024 * 1024 + 1))),
    "compressed": (
        415,
        lambda call: with_headers(
            with_body(call, gzip.compress(call.body)), extra=(("Content-Encoding", "gzip"),)
        ),
    ),
    "an unknown encoding": (
        415, lambda call: with_headers(call, extra=(("Content-Encoding", "br"),))
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", [SLACK, WEBHOOK])
@pytest.mark.parametrize(("status", "change"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_genuine_is_refused_without_a_word(
    path: str, status: int, change: Callable[[Call], Call]
) -> None:
    desk = Desk()

    async with desk.client() as client:
        assert await send(client, change(GENUINE[path]), path=path) == (status, b"")

    assert await desk.submitted() == ()


async def test_a_chat_takes_less_than_a_ticket_tool() -> None:
    async with Desk().client() as client:
        over = slack_call(b"x" * (256 * 1024 + 1))
        assert (await send(client, over, path=SLACK))[0] == 413
        assert (await send(client, webhook_call(over.body), path=WEBHOOK))[0] == 400


async def test_a_body_without_a_length_is_bounded_too() -> None:
    async def forever() -> Any:
        for _ in range(64):
            yield b"x" * 65_536

    async with Desk().client() as client, client.post(SLACK, data=forever()) as response:
        assert response.status == 413


async def test_an_unknown_tenant_looks_like_a_wrong_signature() -> None:
    async with Desk().client() as client:
        unknown = await send(client, GENUINE[SLACK], path="/hooks/slack/nobody")
        wrong = await send(client, with_body(GENUINE[SLACK], b"x"), path=SLACK)

    assert unknown == wrong == (401, b"")


async def test_a_tenant_of_another_kind_is_unknown() -> None:
    async with Desk().client() as client:
        assert (await send(client, GENUINE[WEBHOOK], path="/hooks/slack/t1"))[0] == 401


async def test_a_malformed_message_is_told_what_is_wrong_with_it() -> None:
    async with Desk().client() as client:
        status, body = await send(client, webhook_call(message(surprise=1)), path=WEBHOOK)

    assert status == 400
    assert json.loads(body)["field"] == "data.surprise"


def failing(error: Exception) -> Receive:
    async def receive(_: Arrived) -> Reply:
        raise error

    return receive


@pytest.mark.parametrize(
    "error",
    [Conflict("busy"), ProviderTransient("store", "down"), OSError("disk"), ZeroDivisionError()],
)
async def test_what_we_could_not_keep_is_sent_again(error: Exception) -> None:
    call = GENUINE[SLACK]

    async with (
        Desk().client(failing(error)) as client,
        client.post(SLACK, data=call.body, headers=call.headers) as response,
    ):
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        assert await response.read() == b""


async def test_bad_input_found_late_is_still_the_senders() -> None:
    async with Desk().client(failing(BadInput("no", field="reason"))) as client:
        assert (await send(client, GENUINE[WEBHOOK], path=WEBHOOK))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", SLACK, 405), ("PUT", EVENTS, 405), ("GET", "/", 404), ("POST", "/hooks/x/t1", 404)],
)
async def test_other_ways_in_are_closed(method: str, path: str, status: int) -> None:
    async with Desk().client() as client, client.request(method, path) as response:
        assert response.status == status


async def test_health_is_told() -> None:
    async with Desk().client() as client:
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 200


@pytest.fixture
def lines() -> Any:
    with structlog.testing.capture_logs(processors=[with_bound]) as captured:
        yield captured


async def test_a_refusal_is_one_line_that_holds_nothing_of_the_call(
    lines: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call = with_body(GENUINE[SLACK], b"canary-body")

    async with Desk().client() as client:
        await send(client, call, path=SLACK)

    (line,) = lines
    assert line == {
        "event": "intake.rejected",
        "log_level": "warning",
        "code": "signature_wrong",
        "source": "slack",
        "tenant": "t1",
        "call_id": "call-000001",
    }
    said = f"{lines}{caplog.text}"
    assert "canary-body" not in said
    assert call.all("x-slack-signature")[0] not in said
