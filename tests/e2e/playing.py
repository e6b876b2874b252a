"""A whole keylease for a test: the demo's stage, official clients as its users, and patience."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import redis.asyncio as redis
from slack_sdk.signature import SignatureVerifier

from keylease.cli.demo_inbox import button, link, text_with
from keylease.cli.demo_people import APP, TEAM, TENANT
from keylease.cli.demo_stage import Stage, staged
from keylease.hosts.local import Served, serving
from keylease.runtime.sections import Telemetry
from keylease.runtime.settings import Settings

T = TypeVar("T")

ANA = "U0ANA0001"
BO = "U0BO00001"
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class OfficialSlack:
    """Sends what Slack sends, signed by Slack's own code."""

    url: str
    secret: str
    session: aiohttp.ClientSession

    async def types(self, user: str, text: str, /, *, trigger: str = "") -> dict[str, Any]:
        form = {
            "team_id": TEAM,
            "user_id": user,
            "command": "/access",
            "text": text,
            "api_app_id": APP,
            "trigger_id": trigger or f"{time.time_ns()}",  # a test's own clock
        }
        answer: dict[str, Any] = json.loads(await self._post(form) or "{}")
        return answer

    async def presses(self, user: str, pressed: dict[str, str], /) -> None:
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": TEAM},
            "api_app_id": APP,
            "team": {"id": TEAM},
            "container": {"type": "message", "message_ts": "1767225600.000100"},
            "actions": [{**pressed, "action_ts": str(time.time_ns())}],  # as above
        }
        await self._post({"payload": json.dumps(payload)})

    async def _post(self, form: dict[str, str]) -> str:
        body, stamp = urlencode(form).encode(), str(int(time.time()))  # noqa: TID251  # as above
        signed = SignatureVerifier(self.secret).generate_signature(timestamp=stamp, body=body)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": str(signed),
        }
        url = f"{self.url}/hooks/slack/{TENANT}"
        async with self.session.post(url, data=body, headers=headers) as response:
            response.raise_for_status()
            return await response.text()


@dataclass(frozen=True, slots=True)
class Play:
    """Everything that a test needs."""

    stage: Stage
    served: Served
    slack: OfficialSlack
    session: aiohttp.ClientSession

    async def asks(self, text: str, /, *, user: str = ANA) -> str:
        """The id of a new request."""
        answer = await self.slack.types(user, f"request {text}")
        return str(answer["text"]).split(" ", 1)[0]

    async def told(self, user: str, *words: str, within: float = PATIENCE) -> str:
        """What somebody reads in Slack, once it stands there."""
        return await eventually(lambda: text_with(self.stage.slack, user, *words), within=within)

    async def link_to(self, user: str, *words: str) -> str:
        return await eventually(lambda: link(self.stage.slack, user, *words))

    async def button_of(self, user: str, action: str, /) -> dict[str, str]:
        return await eventually(lambda: button(self.stage.slack, user, action))

    async def login(self, username: str, password: str, *command: str) -> Any:
        """One command on the real server, as that user, with the official client."""
        client = redis.Redis(
            port=self.stage.redis.port, username=username, password=password, protocol=2
        )
        try:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # as published
        finally:
            await client.aclose()

    def accounts(self) -> set[str]:
        """Accounts that keylease has made at the cloud."""
        world = self.stage.emulator.world
        names = {one.name for instance in world.redis.all() for one in instance.accounts}
        names |= {one.username for instance in world.rocketmq.all() for one in instance.accounts}
        return {name for name in names if name.startswith("kl")}


async def eventually(found: Callable[[], T | None], /, *, within: float = PATIENCE) -> T:
    """The first thing found."""
    async with asyncio.timeout(within):
        while True:
            thing = found()
            if thing:
                return thing
            await asyncio.sleep(0.05)


@asynccontextmanager
async def playing(
    *, telemetry: Telemetry | None = None, store: str | None = None
) -> AsyncIterator[Play]:
    """Set up the stage and serve on it; `store` is the address of another one than its file."""
    async with (
        staged() as stage,
        serving(_changed(stage.settings(), telemetry=telemetry, store=store)) as served,
        aiohttp.ClientSession() as session,
    ):
        secret = stage.variables["DEMO_SLACK_SIGNING_SECRET"]
        slack = OfficialSlack(url=served.url, secret=secret, session=session)
        yield Play(stage=stage, served=served, slack=slack, session=session)


def _changed(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={name: it for name, it in changes.items() if it is not None})
