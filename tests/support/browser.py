"""A headless Chromium over its debugging protocol: just what page tests need."""

import asyncio
import base64
import itertools
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

STARTED = re.compile(rb"DevTools listening on (ws://\S+)")
PATIENCE = 30.0


@dataclass
class Tab:
    """One page, with everything that it complained about."""

    socket: aiohttp.ClientWebSocketResponse
    session: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(100))

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._ids)
        await self.socket.send_json(
            {"id": number, "method": method, "params": params, "sessionId": self.session}
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.socket.receive_json()
                if message.get("id") == number:
                    assert "error" not in message, message
                    return dict(message["result"])
                self._note(message)

    async def until(self, event: str, /) -> None:
        """Wait for the next event of that name."""
        async with asyncio.timeout(PATIENCE):
            while event not in self.events:
                self._note(await self.socket.receive_json())
        self.events.remove(event)

    async def open(self, url: str, /) -> None:
        self.events.clear()
        await self.call("Page.navigate", url=url)
        await self.until("Page.loadEventFired")

    async def click(self, selector: str, /) -> None:
        """As a person does it: in the middle of the element; then wait for the next page."""
        box = await self.read(
            f"(()=>{{const e=document.querySelector({selector!r});e.scrollIntoView();"
            "const r=e.getBoundingClientRect();return [r.x+r.width/2,r.y+r.height/2]})()"
        )
        self.events.clear()
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )
        await self.until("Page.loadEventFired")

    async def read(self, expression: str, /) -> Any:
        """The value of an expression; works for the debugger although the page runs no script."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def text(self) -> str:
        return str(await self.read("document.body.innerText"))

    async def screenshot(self, path: Path, /) -> None:
        taken = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(taken["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        method, params = message.get("method", ""), message.get("params", {})
        self.events.append(method)
        match method:
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(str(params))
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])


@asynccontextmanager
async def browsing(
    chromium: str, /, *, profile: Path, width: int = 390, height: int = 844, is_dark: bool = False
) -> AsyncIterator[Tab]:
    """A tab the size of a phone in which no script runs."""
    process = await asyncio.create_subprocess_exec(
        chromium,
        "--headless=new",
        "--no-sandbox",  # tests may run as root
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        "--no-proxy-server",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        url = await _debugging_url(process)
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(url, max_msg_size=0) as socket,
        ):
            tab = await _tab(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.call(f"{domain}.enable")
            await tab.call("Emulation.setScriptExecutionDisabled", value=True)
            await tab.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=2,
                mobile=True,
            )
            scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
            await tab.call("Emulation.setEmulatedMedia", features=[scheme])
            yield tab
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _debugging_url(process: Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while line := await process.stderr.readline():
            found = STARTED.search(line)
            if found:
                return found[1].decode()
    msg = "Chromium ended before it listened"
    raise AssertionError(msg)


async def _tab(socket: aiohttp.ClientWebSocketResponse) -> Tab:
    async def call(number: int, method: str, **params: Any) -> dict[str, Any]:
        await socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while (message := await socket.receive_json()).get("id") != number:
                pass
        return dict(message["result"])

    made = await call(1, "Target.createTarget", url="about:blank")
    attached = await call(2, "Target.attachToTarget", targetId=made["targetId"], flatten=True)
    return Tab(socket=socket, session=attached["sessionId"])
