"""The receiver of result events: an endpoint that believes only what is signed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from keylease.adapters.system.clock import SystemClock
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.secret import Secret
from keylease.errors import NotGenuine
from keylease.ports.doors import Call


@dataclass(slots=True)
class Receiver:
    """What has arrived, each event once, in order."""

    proof: StandardWebhooks
    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[tuple[tuple[str, str], ...], bytes]] = field(default_factory=list)
    """Headers and body of every call that was genuine."""
    refused: int = 0
    seen: set[str] = field(default_factory=set)

    def about(self, subject: str, /) -> tuple[str, ...]:
        """Types of the events of one request or account, such as `lease.activated`."""
        types = (one["type"] for one in self.events if one["subject"] == subject)
        return tuple(one.removeprefix("io.keylease.").removesuffix(".v1") for one in types)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = tuple(request.headers.items())
        call = Call(method=request.method, path=request.path, headers=headers, body=body)
        try:
            message_id = self.proof.verify(call, now=SystemClock().now())
        except NotGenuine:
            self.refused += 1
            return web.Response(status=401)
        self.calls.append((headers, body))
        if message_id not in self.seen:  # at least once: the id tells a second delivery
            self.seen.add(message_id)
            self.events.append(json.loads(body))
        return web.Response(status=204)


@asynccontextmanager
async def receiving(
    secret: Secret, /, *, kind: type[Receiver] = Receiver
) -> AsyncIterator[Receiver]:
    """Listen on a free port of this machine."""
    receiver = kind(proof=StandardWebhooks(secrets=(secret,)))
    app = web.Application()
    app.add_routes([web.post("/events", receiver.take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/events"
        yield receiver
    finally:
        await runner.cleanup()
