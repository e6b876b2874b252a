"""Plays one row on one host and tells what it has left, with ids in the order they appeared."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from keylease.cli.demo_inbox import button
from keylease.cli.demo_people import APP, TEAM
from keylease.cli.demo_stage import Stage, staged
from keylease.domain.events import Event, RequestSubmitted
from keylease.domain.lease import Lease
from keylease.domain.request import Request
from keylease.ports.doors import Call
from keylease.runtime.wiring import Keylease, running
from tests.conformance.hosts import Host, Opens
from tests.conformance.steps import (
    BO,
    Poisons,
    Presses,
    Repeats,
    Row,
    Seen,
    Sends,
    Step,
    Types,
    Waits,
)

PATIENCE = 30.0
PUBLIC = "https://keylease.example.com"
REQUEST_ID = re.compile(r"req-[a-z0-9]{10}")
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Play:
    """One row under way."""

    stage: Stage
    host: Host
    looking: Keylease
    """Reads what the host has stored; runs nothing."""
    answers: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Ids in the order of their appearance."""

    async def step(self, step: Step, /) -> None:
        match step:
            case Types():
                await self._call(self._typed(step))
            case Presses():
                await self._call(await self._pressed(step))
            case Sends():
                await self._call(self._sent(step))
            case Waits(type_):
                await self.until(lambda: self._has_come(type_))
            case Repeats():
                await self._repeat()
            case Poisons():
                await self.host.poison()
                await self.until(self._has_given_up)
        await self.until(self._is_calm)

    async def until(self, holds: Callable[[], Awaitable[bool]], /) -> None:
        """Drive the host until that is so."""
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await self.host.turn()

    async def seen(self) -> Seen:
        """What the row has left."""
        store, requests = self.looking.store, [await self._request(id_) for id_ in self.requests]
        leases = [await store.load(Lease, one.lease_id) for one in requests if one.lease_id]
        entries = [entry for entry in await store.audit() if entry.subject in self._names()]
        return Seen(
            answers=tuple(map(self._plain, self.answers)),
            requests=tuple(str(one.status) for one in requests),
            leases=tuple(_lease(one) for one in leases if one is not None),
            events=tuple(type_ for id_ in self.requests for type_ in self._told(id_)),
            audit=tuple(sorted(entry.action for entry in entries)),
            accounts=self._accounts(),
            given_up=await self._given_up(),
        )

    async def _call(self, call: Call) -> None:
        said = await self.host.call(call)
        for id_ in REQUEST_ID.findall(said.text):
            if id_ not in self.requests:
                self.requests.append(id_)
        self.answers.append(f"{said.status} {_text(said.text)}".strip())

    def _typed(self, step: Types) -> Call:
        form = {
            "team_id": TEAM,
            "user_id": step.who,
            "command": "/access",
            "text": step.text.format(req=self.requests[0] if self.requests else ""),
            "api_app_id": APP,
            "trigger_id": step.trigger or f"{time.time_ns()}",  # a test's own clock
        }
        return self._signed(form, key=step.signed_with, age=step.age, tenant=step.tenant)

    async def _pressed(self, step: Presses) -> Call:
        async def stands() -> bool:
            return button(self.stage.slack, BO, step.action) is not None

        await self.until(stands)
        pressed = button(self.stage.slack, BO, step.action)
        payload = {
            "type": "block_actions",
            "user": {"id": step.who, "team_id": TEAM},
            "api_app_id": APP,
            "team": {"id": TEAM},
            "container": {"type": "message", "message_ts": "1767225600.000100"},
            "actions": [{**(pressed or {}), "action_ts": str(time.time_ns())}],  # as above
        }
        return self._signed({"payload": json.dumps(payload)})

    def _signed(
        self, form: dict[str, str], *, key: str = "", age: int = 0, tenant: str = "demo"
    ) -> Call:
        """As Slack's own code signs it."""
        body = urlencode(form).encode()
        stamp = str(int(time.time()) - age)  # noqa: TID251  # a test's own clock
        secret = key or self.stage.variables["DEMO_SLACK_SIGNING_SECRET"]
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
        headers = (
            ("content-type", FORM),
            ("x-slack-request-timestamp", stamp),
            ("x-slack-signature", str(signature)),
        )
        return Call("POST", f"/hooks/slack/{tenant}", headers, body)

    def _sent(self, step: Sends) -> Call:
        bearer = step.bearer or self.stage.variables["DEMO_BILLING_TOKEN"]
        headers = (
            ("authorization", f"Bearer {bearer}"),
            ("content-type", "application/cloudevents+json"),
        )
        return Call(step.method, step.path, headers, step.body.encode())

    async def _repeat(self) -> None:
        """With an id of its own, as sweep says it again."""
        content = RequestSubmitted(request_id=self.requests[0])
        await self.host.tell(Event.of(content, id="evt-again", time=self.looking.clock.now()))

    async def _request(self, id_: str) -> Request:
        request = await self.looking.store.load(Request, id_)
        assert request is not None
        return request

    async def _has_come(self, type_: str) -> bool:
        return type_ in self._told(self.requests[0])

    async def _has_given_up(self) -> bool:
        return await self._given_up() > 0

    async def _is_calm(self) -> bool:
        """Nothing waits to be delivered, now or later."""
        far = self.looking.clock.now() + timedelta(days=1)
        return not await self.looking.store.lanes(before=far, limit=1)

    async def _given_up(self) -> int:
        return len(await self.looking.store.parked(limit=10)) + await self.host.dead()

    def _names(self) -> set[str]:
        return {name for id_ in self.requests for name in (id_, f"lease-{id_}")}

    def _told(self, id_: str) -> tuple[str, ...]:
        return self.stage.receiver.about(id_)

    def _accounts(self) -> int:
        world = self.stage.emulator.world
        names = [one.username for i in world.rocketmq.all() for one in i.accounts]
        names += [one.name for i in world.redis.all() for one in i.accounts]
        return sum(name.startswith("kl") for name in names)

    def _plain(self, answer: str) -> str:
        for number, id_ in enumerate(self.requests, start=1):
            answer = answer.replace(id_, f"req-{number}")
        return answer


@asynccontextmanager
async def playing(
    open_host: Opens,
) -> AsyncIterator[Play]:
    """A stage, the host on it, and somebody who looks."""
    async with staged() as bare:
        stage = replace(bare, variables={**bare.variables, "KEYLEASE_PUBLIC_URL": PUBLIC})
        async with open_host(stage) as host, running(stage.settings(), functions=()) as looking:
            yield Play(stage, host, looking)


async def played(row: Row, open_host: Opens) -> Seen:
    """What the row leaves on that host."""
    async with playing(open_host) as play:
        for step in row.steps:
            await play.step(step)
        return await play.seen()


def _text(body: str) -> str:
    """What the sender reads: of JSON its words, of anything else all of it."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    replies = document.get("replies", [document])
    return "; ".join(str(reply.get("text") or reply.get("error", "")) for reply in replies)


def _lease(lease: Lease) -> str:
    return f"{lease.status} {lease.end_reason}" if lease.end_reason else str(lease.status)
