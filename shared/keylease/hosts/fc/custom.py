"""The custom runtime and container: an HTTP server that the platform calls.

It runs on Function Compute only: elsewhere anybody could send the headers that it believes. A
function with an HTTP trigger serves doors and pages and takes no `/invoke`: whether the platform
keeps strangers from that path is not documented. Headers that carry a key are read, never logged.
"""

import asyncio
import re
import signal
import sys
from collections import ChainMap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from aiohttp import web

from keylease.errors import Misconfigured
from keylease.hosts.fc.hint import hinting_front
from keylease.hosts.fc.instance import Instance, live_environment
from keylease.hosts.http import RUNNER
from keylease.runtime.settings import Settings

log = structlog.get_logger(__name__)

PORTS = ("FC_SERVER_PORT", "PORT")
PORT = 9000
LARGEST = 32 * 1024 * 1024
"""Bytes; what the platform passes on in one call."""
FAILED = {"x-fc-status": "404"}
"""How a failed call is told from an answer, with the status 404."""
WITHOUT_TIMEOUT = 60.0
KEY = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "x-fc-access-key-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x-fc-access-key-secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "x-fc-security-token",
}
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Serves(StrEnum):
    """What triggers the function."""

    EVENTS = "events"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Custom:
    """The platform's calls of one function."""

    instance: Instance
    key: dict[str, str] = field(repr=False)
    """What the latest call brought to sign with, by the names of the environment."""

    def routes(self) -> list[web.RouteDef]:
        """For a function that events trigger."""
        return [
            web.post("/initialize", self.initialize),
            web.post("/invoke", self.invoke),
            web.get("/pre-stop", self.pre_stop),
        ]

    async def initialize(self, request: web.Request) -> web.Response:
        """Open everything before the first event; already open is success."""
        self._take_key(request.headers)
        try:
            await self.instance.unit()
        except Exception:
            log.exception("host.failed", route="/initialize")
            return web.Response(status=404, headers=FAILED)
        return web.Response()

    async def invoke(self, request: web.Request) -> web.Response:
        """One event, or a batch of them."""
        self._take_key(request.headers)
        call_id = call_id_of(request.headers)
        say(
            f"FC Invoke Start RequestId: {call_id}"
        )  # so the platform's logs find the lines between
        try:
            within = seconds_of(request.headers)
            async with asyncio.timeout(within):
                answer = await self.instance.invoke(
                    await request.read(), within=within - 0.5, call_id=call_id
                )
        except Exception:
            log.exception("host.failed", route="/invoke")
            return web.Response(status=404, headers=FAILED)
        finally:
            say(f"FC Invoke End RequestId: {call_id}")
        return (
            web.json_response(answer)
            if isinstance(answer, dict)
            else web.json_response(text=answer)
        )

    async def pre_stop(self, _: web.Request) -> web.Response:
        """Close everything; the next event opens it again."""
        await self.instance.close()
        return web.Response()

    def _take_key(self, headers: Mapping[str, str]) -> None:
        found = {name: headers.get(header, "") for name, header in KEY.items()}
        if found["ALIBABA_CLOUD_ACCESS_KEY_ID"] and found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]:
            self.key.update(found)


def custom(
    name: str, /, *, settings: Settings | None = None, variables: Mapping[str, str] | None = None
) -> Custom:
    """One function, not open yet.

    Raises:
        Misconfigured: this is not Function Compute.
    """
    live = live_environment() if variables is None else variables
    if not live.get("FC_FUNCTION_NAME"):
        msg = "FC_FUNCTION_NAME is not set, so this is not Function Compute; run `keylease serve`"
        raise Misconfigured(msg)
    key: dict[str, str] = {}
    seen = ChainMap(key, live)  # type: ignore[arg-type]  # only its first map is ever written to
    return Custom(Instance(name, settings=settings, variables=seen), key=key)


@asynccontextmanager
async def serving(
    function: Custom, /, *, serves: Serves, host: str, port: int
) -> AsyncIterator[int]:
    """Answer the platform until the context is left; gives the port."""
    app = await _application(function, serves=serves)
    runner = web.AppRunner(app, **RUNNER)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        await function.instance.close()


async def serve(name: str, /, *, serves: Serves) -> None:
    """Run as a program, until SIGTERM."""
    function = custom(name)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    port = port_of(live_environment())
    async with serving(function, serves=serves, host="0.0.0.0", port=port):  # noqa: S104  # the platform calls from outside of the instance
        await stopped.wait()


async def _application(function: Custom, *, serves: Serves) -> web.Application:
    if serves is Serves.EVENTS:
        app = web.Application(client_max_size=LARGEST)
        app.add_routes(function.routes())
        return app
    opened = await function.instance.unit()
    # It is open already, and strangers may call these too.
    hooks = [web.post("/initialize", _nothing), web.get("/pre-stop", _nothing)]
    return await hinting_front(opened.keylease, more=hooks)


async def _nothing(_: web.Request) -> web.Response:
    return web.Response()


def port_of(variables: Mapping[str, str], /) -> int:
    """Where the platform calls."""
    text = next((variables[name] for name in PORTS if variables.get(name)), str(PORT))
    return int(text) if text.isascii() and text.isdigit() else PORT


def seconds_of(headers: Mapping[str, str], /) -> float:
    """How long a call may take, by its function's own timeout."""
    text = headers.get("x-fc-function-timeout", "")
    return float(text) if text.isascii() and text.isdigit() and text != "0" else WITHOUT_TIMEOUT


def call_id_of(headers: Mapping[str, str], /) -> str:
    """The call's id, unless it could forge a log line."""
    text = headers.get("x-fc-request-id", "")
    return text if _CALL_ID.fullmatch(text) else "unknown"


def say(line: str, /) -> None:
    """A line of the platform's own kind."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
