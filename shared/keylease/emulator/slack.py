"""A stand-in for Slack's Web API on this machine: takes messages, and shows what stands where.

It knows the three methods that keylease calls, checks token and limits as Slack does, and answers
every refusal under 200 with `ok: false`. What was said is at `GET /_messages`.
"""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from keylease.emulator.site import Site

LONGEST_TEXT = 40_000
LONGEST_SECTION = 3_000
LONGEST_FIELD = 2_000
LONGEST_VALUE = 2_000
MOST_BLOCKS = 50
MOST_FIELDS = 10
FIRST_STAMP = 1_767_225_600


@dataclass(slots=True)
class StandingMessage:
    """One message as it stands now."""

    channel: str
    ts: str
    text: str
    blocks: list[Any]
    is_edited: bool = False

    def shown(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
            "edited": self.is_edited,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the next call is answered with instead of being done."""

    status: int = 200
    error: str = "internal_error"
    retry_after: int | None = None


@dataclass(slots=True)
class FakeSlack:
    """One workspace."""

    token: str
    scopes: str = "chat:write,commands"
    team_id: str = "T0DEMO"
    channels: frozenset[str] | None = None
    """Channel and user ids that exist; None: all."""
    messages: list[StandingMessage] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Every method that was called."""

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET" and request.path == "/_messages":
            return web.json_response([message.shown() for message in self.messages])
        method = request.path.removeprefix("/api/")
        if request.method != "POST" or not request.path.startswith("/api/"):
            return web.Response(status=404)
        self.calls.append(method)
        if self.refusals:
            return _refused(self.refusals.pop(0))
        answer = self._answer(method, request, await request.read())
        return web.json_response(answer, headers={"X-OAuth-Scopes": self.scopes})

    def _answer(self, method: str, request: web.BaseRequest, body: bytes) -> dict[str, Any]:
        given = request.headers.get("Authorization", "").encode()
        if not given:
            return _no("not_authed")
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return _no("invalid_auth")
        try:
            content = json.loads(body)
        except ValueError:
            return _no("invalid_json")
        methods = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "auth.test": self._introduce,
        }
        return methods[method](content) if method in methods else _no("unknown_method")

    def _introduce(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team_id": self.team_id, "user_id": "U0BOT", "bot_id": "B0BOT"}

    def _post(self, content: dict[str, Any]) -> dict[str, Any]:
        channel = str(content.get("channel", ""))
        if not channel or (self.channels is not None and channel not in self.channels):
            return _no("channel_not_found")
        wrong = _wrong(content)
        if wrong:
            return _no(wrong)
        message = StandingMessage(
            # A direct message stands in a channel of its own, as Slack answers it.
            channel=f"D{channel[1:]}" if channel[0] in "UW" else channel,
            ts=f"{FIRST_STAMP + len(self.messages)}.000100",
            text=content.get("text", ""),
            blocks=content.get("blocks", []),
        )
        self.messages.append(message)
        return {"ok": True, "channel": message.channel, "ts": message.ts}

    def _update(self, content: dict[str, Any]) -> dict[str, Any]:
        place = (content.get("channel"), content.get("ts"))
        found = [one for one in self.messages if (one.channel, one.ts) == place]
        if not found:
            return _no("message_not_found")
        wrong = _wrong(content)
        if wrong:
            return _no(wrong)
        message = found[0]
        message.text = content.get("text", "")
        message.blocks = content.get("blocks", [])
        message.is_edited = True
        return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}


def _no(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}


def _refused(refusal: Refusal) -> web.Response:
    after = refusal.retry_after
    headers = {"Retry-After": str(after)} if after is not None else {}
    return web.json_response(_no(refusal.error), status=refusal.status, headers=headers)


def _wrong(content: dict[str, Any]) -> str:
    """The error that Slack has for it; empty when it takes the message."""
    text, blocks = content.get("text", ""), content.get("blocks", [])
    if not text and not blocks:
        return "no_text"
    if len(text) > LONGEST_TEXT:
        return "msg_too_long"
    if len(blocks) > MOST_BLOCKS or not all(_is_right(block) for block in blocks):
        return "invalid_blocks"
    return ""


def _is_right(block: dict[str, Any]) -> bool:
    match block:
        case {"type": "section", "text": {"text": str(text)}}:
            return 0 < len(text) <= LONGEST_SECTION
        case {"type": "section", "fields": [*fields]}:
            short = all(0 < len(one["text"]) <= LONGEST_FIELD for one in fields)
            return 0 < len(fields) <= MOST_FIELDS and short
        case {"type": "actions", "elements": [*elements]}:
            return bool(elements) and all(
                len(one.get("value", "")) <= LONGEST_VALUE for one in elements
            )
        case _:
            return False


@asynccontextmanager
async def slack_stand_in(
    *, token: str, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[tuple[FakeSlack, str]]:
    """Serve it; gives the workspace and the address of its API.

    Raises:
        ValueError: the host is not this machine; anybody there could read every link.
    """
    if not ip_address(host).is_loopback:
        msg = f"{host} is not this machine; the stand-in for Slack serves nobody else"
        raise ValueError(msg)
    workspace = FakeSlack(token=token)
    site = Site(workspace.respond, host=host, port=port)
    await site.open()
    try:
        yield workspace, f"{site.url}/api"
    finally:
        await site.close()
