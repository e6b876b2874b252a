"""Every host behind one small class: a call goes in, an event goes in, and it is driven on."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.dead import NatsDeadLetters
from keylease.cli.demo_stage import Stage
from keylease.domain.cloudevent import as_cloudevent
from keylease.domain.events import Event
from keylease.hosts.fc.builtin import Entry
from keylease.hosts.fc.custom import Serves, custom
from keylease.hosts.fc.custom import serving as fc_serving
from keylease.hosts.fc.payload import HttpCall
from keylease.hosts.fc.unit import REFUSED_TYPE
from keylease.hosts.fc.web import Front, opened
from keylease.hosts.intake import taking_in
from keylease.hosts.local import serving
from keylease.hosts.worker import working
from keylease.ports.doors import Call
from keylease.ports.store import Batch, Outgoing
from keylease.runtime.process import REFUSED
from keylease.runtime.wiring import Keylease, running
from tests.support.bus import WIRE, jet_on, settings_on
from tests.support.nats_server import nats_server

NONSENSE = b'{"nonsense": 1}'
TIMER = b'{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"sweep","payload":""}'
FUNCTIONS = ("intake", "decide", "sweep")
"""Deployed here; they deliver to the others, which need no trigger of their own."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller gets back."""

    status: int
    text: str


class Host(Protocol):
    """Runs every function."""

    async def call(self, call: Call, /) -> Said:
        """What comes over HTTP."""
        ...

    async def tell(self, event: Event, /) -> None:
        """What the bus brings decide."""
        ...

    async def poison(self) -> None:
        """The same, and no retry makes it good."""
        ...

    async def turn(self) -> None:
        """What the timer does; a host that turns by itself only lets others run."""
        ...

    async def dead(self) -> int:
        """What needs a person and does not stand in the store."""
        ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """The bus of a host that has none: its own outbox."""

    keylease: Keylease

    async def tell(self, event: Event, /) -> None:
        await self._put(event, to="function:decide")

    async def poison(self) -> None:
        event = Event(
            id="evt-poison",
            type=REFUSED_TYPE,
            subject="decide",
            time=self.keylease.clock.now(),
            data={"problem": "event_malformed"},
        )
        await self._put(event, to=f"{REFUSED}:decide")

    async def dead(self) -> int:
        return 0

    async def _put(self, event: Event, *, to: str) -> None:
        outgoing = (Outgoing(event=event, destination=to),)
        await self.keylease.store.commit(Batch(outgoing=outgoing))


@dataclass(frozen=True, slots=True)
class InProcess(Outbox):
    """The process and its application, without a socket and without loops."""

    front: Front

    async def call(self, call: Call, /) -> Said:
        headers = (("host", "localhost"), *call.headers)
        target = HttpCall(call.method, call.path, headers, call.body, "127.0.0.1")
        reply = await self.front.call(target)
        return Said(reply.status, reply.body.decode())

    async def turn(self) -> None:
        await self.keylease.process.tick()
        while await self.keylease.process.relay():
            pass


@dataclass(frozen=True, slots=True)
class Served(Outbox):
    """`keylease serve`, and its own timer."""

    url: str
    session: aiohttp.ClientSession

    async def call(self, call: Call, /) -> Said:
        return await sent(self.session, self.url, call)

    async def turn(self) -> None:
        await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """Function Compute's built-in runtime: one entry per function, called from a thread."""

    entries: Mapping[str, Entry]
    source: str

    async def call(self, call: Call, /) -> Said:
        answer = await self._invoke("intake", http_payload(call))
        return Said(answer["statusCode"], body_of(answer))

    async def tell(self, event: Event, /) -> None:
        await self._invoke("decide", cloudevent(event, source=self.source))

    async def poison(self) -> None:
        await self._invoke("decide", NONSENSE)

    async def turn(self) -> None:
        await self._invoke("sweep", TIMER)

    async def dead(self) -> int:
        return 0

    async def _invoke(self, name: str, event: bytes) -> dict[str, Any]:
        answer = await asyncio.to_thread(self.entries[name].handler, event, None)
        return answer if isinstance(answer, dict) else {}


@dataclass(frozen=True, slots=True)
class Custom:
    """Function Compute's custom runtime: an HTTP server per function."""

    ports: Mapping[str, int]
    source: str
    session: aiohttp.ClientSession

    async def call(self, call: Call, /) -> Said:
        return await sent(self.session, self._url("intake"), call)

    async def tell(self, event: Event, /) -> None:
        await self._invoke("decide", cloudevent(event, source=self.source))

    async def poison(self) -> None:
        await self._invoke("decide", NONSENSE)

    async def turn(self) -> None:
        await self._invoke("sweep", TIMER)

    async def dead(self) -> int:
        return 0

    async def _invoke(self, name: str, event: bytes) -> None:
        async with self.session.post(f"{self._url(name)}/invoke", data=event) as response:
            assert response.status == 200

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"


@dataclass(frozen=True, slots=True)
class Workers(Served):
    """An entrance and two workers on one bus."""

    jet: Jet

    async def poison(self) -> None:
        await self.jet.js.publish("keylease.do.decide.poison", NONSENSE)

    async def dead(self) -> int:
        return len(await NatsDeadLetters(self.jet, WIRE).listed(limit=10))


@asynccontextmanager
async def in_process(stage: Stage, /) -> AsyncIterator[Host]:
    async with running(stage.settings()) as keylease, opened(keylease) as front:
        yield InProcess(keylease, front)


@asynccontextmanager
async def over_http(stage: Stage, /) -> AsyncIterator[Host]:
    async with serving(stage.settings()) as served, aiohttp.ClientSession() as session:
        yield Served(served.keylease, served.url, session)


@asynccontextmanager
async def fc_builtin(stage: Stage, /) -> AsyncIterator[Host]:
    variables = variables_of(stage)
    entries = {name: Entry(name, variables=variables) for name in FUNCTIONS}
    try:
        yield BuiltIn(entries, stage.settings().base_url)
    finally:
        for entry in entries.values():
            await asyncio.to_thread(entry.pre_stop, None)


@asynccontextmanager
async def fc_custom(stage: Stage, /) -> AsyncIterator[Host]:
    variables = {**variables_of(stage), "FC_FUNCTION_NAME": "keylease"}
    async with AsyncExitStack() as stack:
        ports = {}
        for name in FUNCTIONS:
            serves = Serves.HTTP if name == "intake" else Serves.EVENTS
            function = custom(name, variables=variables)
            server = fc_serving(function, serves=serves, host="127.0.0.1", port=0)
            ports[name] = await stack.enter_async_context(server)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Custom(ports, stage.settings().base_url, session)


@asynccontextmanager
async def nats_workers(stage: Stage, /) -> AsyncIterator[Host]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(nats_server())
        settings = settings_on(stage, server)
        served = await stack.enter_async_context(taking_in(settings))
        for _ in range(2):
            await stack.enter_async_context(working(settings))
        jet = await stack.enter_async_context(jet_on(server))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Workers(served.keylease, served.url, session, jet)


Opens = Callable[[Stage], AbstractAsyncContextManager[Host]]
HOSTS: Mapping[str, Opens] = {
    "in process": in_process,
    "HTTP": over_http,
    "Function Compute, built-in": fc_builtin,
    "Function Compute, custom": fc_custom,
    "NATS workers": nats_workers,
}


def variables_of(stage: Stage, /) -> dict[str, str]:
    """The stage's settings for a function."""
    return {**stage.variables, "KEYLEASE_CONFIG": str(stage.config)}


async def sent(session: aiohttp.ClientSession, url: str, call: Call, /) -> Said:
    """The call over a socket."""
    url, body = f"{url}{call.path}", io.BytesIO(call.body)
    async with session.request(call.method, url, data=body, headers=call.headers) as response:
        return Said(response.status, await response.text())


def cloudevent(event: Event, /, *, source: str) -> bytes:
    """As the bus of Function Compute carries it."""
    return json.dumps(as_cloudevent(event, source=source)).encode()


def http_payload(call: Call, /) -> bytes:
    """As the HTTP trigger of the built-in runtime hands it over."""
    request = {"method": call.method, "path": call.path, "sourceIp": "127.0.0.1"}
    return json.dumps(
        {
            "version": "v1",
            "rawPath": call.path,
            "headers": dict(call.headers),
            "body": base64.b64encode(call.body).decode(),
            "isBase64Encoded": True,
            "requestContext": {"http": request},
        }
    ).encode()


def body_of(answer: Mapping[str, Any], /) -> str:
    """The text of the built-in runtime's answer."""
    body = str(answer["body"])
    return base64.b64decode(body).decode() if answer["isBase64Encoded"] else body
