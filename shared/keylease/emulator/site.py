"""A listening socket that keeps its port, and the ways in which it breaks a connection."""

import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from keylease.emulator.envelope import Answer
from keylease.errors import Misconfigured

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
AT_ONCE = struct.pack("ii", 1, 0)
PATIENCE = 1.0


class Site:
    """Closed and opened again it listens on the same port."""

    def __init__(self, handler: Handler, *, host: str, port: int) -> None:
        self._handler = handler
        self._runner: web.ServerRunner | None = None
        self.host = host
        self.port = port

    async def open(self) -> None:
        # The signature covers the bytes as sent, so nothing may be unpacked on the way in.
        server = web.Server(self._handler, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=PATIENCE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError as e:
            await self.close()
            raise Misconfigured(
                f"cannot listen on {self.host}:{self.port} ({e.strerror}): "
                "choose another --port, or an address of this machine as --host"
            ) from e
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def respond(answer: Answer) -> web.Response:
    headers = {"content-type": "application/json", **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def broken(request: web.BaseRequest) -> web.Response:
    """Reset the connection; the response is never sent."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        transport.abort()
    return web.Response()
