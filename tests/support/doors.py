"""Calls as senders make them: vectors, signed requests, and what a door said."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from keylease.adapters.slack import signature as slack
from keylease.adapters.webhook import signature as webhooks
from keylease.domain.secret import Secret
from keylease.ports.doors import Call

FILE = Path(__file__).parents[1] / "vectors" / "webhooks.json"
VECTORS: dict[str, dict[str, Any]] = {v["id"]: v for v in json.loads(FILE.read_text())["vectors"]}
CLOCK = datetime.fromtimestamp(1_767_225_600, UTC)
SLACK_SECRET = Secret("fake-slack-signing-secret-0123456789abcdef")
WEBHOOK_SECRET = Secret("whsec_wNQ5un7418xJ8NXkh1nC6+OoNj5VNmlNkLDihKQjgag=")
BEARER = Secret("fake-bearer-token-0123456789abcdef")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def at(stamp: str | float) -> datetime:
    """The instant of a unix timestamp."""
    return datetime.fromtimestamp(float(stamp), UTC)


def call_of(vector: dict[str, Any]) -> Call:
    """A vector as an inbound call."""
    headers = tuple(vector["headers"].items())
    return Call(method="POST", path="/", headers=headers, body=vector["body"].encode())


def slack_call(body: bytes, *, kind: str = FORM, now: datetime = CLOCK) -> Call:
    """A call as Slack signs it."""
    stamp = str(int(now.timestamp()))
    headers = (
        ("Content-Type", kind),
        ("X-Slack-Request-Timestamp", stamp),
        ("X-Slack-Signature", slack.sign(SLACK_SECRET, stamp=stamp, body=body)),
    )
    return Call(method="POST", path="/hooks/slack/t1", headers=headers, body=body)


def command_body(text: str, **fields: str) -> bytes:
    """A slash command of lin.wei in T0FAKE001."""
    form = {
        "token": "legacy-do-not-use",
        "team_id": "T0FAKE001",
        "enterprise_id": "E0FAKE001",
        "user_id": "U0REQ0001",
        "user_name": "lin.wei",
        "command": "/access",
        "text": text,
        "api_app_id": "A0FAKE001",
        "trigger_id": "1111111111111.2222222222222.3333",
    }
    return urlencode({**form, **fields}).encode()


def press_body(value: str, *, action: str = "access_approve", **fields: Any) -> bytes:
    """A pressed button of chen.yu in T0FAKE001."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0APPR001", "team_id": "T0FAKE001"},
        "api_app_id": "A0FAKE001",
        "team": {"id": "T0FAKE001"},
        "enterprise": None,
        "container": {"type": "message", "message_ts": "1767225590.000100"},
        "message": {"text": "Access request"},
        "actions": [{"action_id": action, "value": value, "action_ts": "1767225599.123456"}],
    }
    return urlencode({"payload": json.dumps({**payload, **fields})}).encode()


def webhook_call(
    body: bytes, *, message_id: str = "msg_1", kind: str = JSON, now: datetime = CLOCK
) -> Call:
    """A call as Standard Webhooks signs it."""
    stamp = str(int(now.timestamp()))
    key = webhooks.key_of(WEBHOOK_SECRET)
    headers = (
        ("Content-Type", kind),
        ("webhook-id", message_id),
        ("webhook-timestamp", stamp),
        ("webhook-signature", webhooks.sign(key, id=message_id, stamp=stamp, body=body)),
    )
    return Call(method="POST", path="/hooks/webhook/t1", headers=headers, body=body)


def request_form(**fields: Any) -> dict[str, Any]:
    """A form that asks for orders-read."""
    form = {"entitlement": "orders-read", "duration": "8h", "reason": "INC-4711 replay"}
    return {**form, **fields}


def message(type_: str = "access.request", **fields: Any) -> bytes:
    """A webhook's body."""
    content = request_form(**fields) if type_ == "access.request" else fields
    return json.dumps({"type": type_, "data": content}).encode()


def event(type_: str = "request", **attributes: Any) -> dict[str, Any]:
    """A structured CloudEvent of the orders service."""
    content = request_form() if type_ == "request" else {}
    envelope = {
        "id": "evt-1",
        "source": "https://orders.example.com/",
        "type": f"io.keylease.access.{type_}.v1",
        "specversion": "1.0",
        "data": content,
    }
    return {**envelope, **attributes}


def with_headers(
    call: Call, *changes: tuple[str, str | None], extra: tuple[tuple[str, str], ...] = ()
) -> Call:
    """The same call with headers replaced (or, by None, dropped) and some added."""
    new = dict(changes)
    kept = tuple((k, v) for k, v in call.headers if k.lower() not in new)
    put = tuple((k, v) for k, v in new.items() if v is not None)
    return Call(method=call.method, path=call.path, headers=(*kept, *put, *extra), body=call.body)


def with_body(call: Call, body: bytes) -> Call:
    """The same headers over another body."""
    return Call(method=call.method, path=call.path, headers=call.headers, body=body)
