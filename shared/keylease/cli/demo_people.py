"""People of the demo: they talk to keylease as Slack would carry it, signed, over real HTTP."""

import json
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from keylease.adapters.slack.signature import sign
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken
from keylease.ports.clock import Clock
from keylease.ports.http import Http, HttpRequest, HttpResponse
from keylease.ports.ids import Ids

FORM = "application/x-www-form-urlencoded"
TEAM = "T0DEMO"
APP = "A0DEMO"
TENANT = "demo"
_VALUE = re.compile(r'<code class="value">([^<]*)</code>')


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the page showed."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a Slack id."""

    user: str
    url: str
    """Where keylease answers."""
    secret: Secret = field(repr=False)
    """Slack's: the signing secret of the app."""
    http: Http
    clock: Clock
    ids: Ids

    async def types(self, text: str, /) -> str:
        """A slash command; returns what Slack shows this person alone."""
        command = {
            "team_id": TEAM,
            "user_id": self.user,
            "command": "/access",
            "text": text,
            "api_app_id": APP,
            "trigger_id": self.ids.new("trigger"),
        }
        response = await self._post(urlencode(command).encode())
        return str(json.loads(response.body or b"{}").get("text", ""))

    async def presses(self, button: dict[str, str], /) -> None:
        """A button of a message."""
        now = str(self.clock.now().timestamp())
        payload = {
            "type": "block_actions",
            "user": {"id": self.user, "team_id": TEAM},
            "api_app_id": APP,
            "team": {"id": TEAM},
            "container": {"type": "message", "message_ts": now},
            "actions": [{**button, "action_ts": now}],
        }
        await self._post(urlencode({"payload": json.dumps(payload)}).encode())

    async def opens(self, link: str, /) -> str:
        """What a link's page says before anything is claimed."""
        response = await self.http.send(HttpRequest("GET", link))
        return response.body.decode()

    async def claims(self, link: str, /) -> Claimed | None:
        """Press the page's one button; None when it shows nothing."""
        headers = {"content-type": FORM, "origin": self.url, "sec-fetch-site": "same-origin"}
        response = await self.http.send(HttpRequest("POST", link, headers=headers))
        values = [unescape(text) for text in _VALUE.findall(response.body.decode())]
        if response.status != OK:
            return None
        return Claimed(username=values[0], password=Secret(values[1]))

    async def _post(self, body: bytes) -> HttpResponse:
        stamp = str(int(self.clock.now().timestamp()))
        headers = {
            "content-type": FORM,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": sign(self.secret, stamp=stamp, body=body),
        }
        url = f"{self.url}/hooks/slack/{TENANT}"
        response = await self.http.send(HttpRequest("POST", url, headers=headers, body=body))
        if response.status != OK:
            msg = f"keylease answered {response.status} to a signed Slack request"
            raise InvariantBroken(msg)
        return response


OK = 200
