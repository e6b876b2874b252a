"""Programs of a chaos run: each is started again when it ends, and its ends are written down."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from keylease.runtime.settings import environment
from tests.support.tree import ROOT

PAUSE = 0.2
"""Before a program that ended is started again."""
STOPS_WITHIN = 20.0
STARTS_WITHIN = 60.0


@dataclass(slots=True)
class Diary:
    """What was done to whom and when, for whoever reads a failed run."""

    begun: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)

    def note(self, words: str, /) -> None:
        self.lines.append(f"{time.monotonic() - self.begun:7.2f} {words}")


@dataclass(slots=True, eq=False)
class Program:
    """One of keylease's programs, as a supervisor keeps it alive."""

    name: str
    words: tuple[str, ...]
    """What Python is given."""
    variables: Mapping[str, str] = field(repr=False)
    log: Path
    diary: Diary
    url: str = ""
    """Where it listens, if it does."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    fell: list[str] = field(default_factory=list)
    """Ends that nobody brought about, after it was ready."""
    is_stopping: bool = False
    process: asyncio.subprocess.Process | None = None

    async def live(self) -> None:
        """Run it again and again, until `stop`."""
        while not self.is_stopping:
            await self._once()
            await asyncio.sleep(PAUSE)

    def kill(self) -> None:
        """SIGKILL, now."""
        self._tell(signal.SIGKILL)

    async def pause(self, seconds: float, /) -> None:
        """Let it stand still, as a starved machine does; it knows nothing of the time between."""
        self._tell(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._tell(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end cleanly."""
        self.is_stopping = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    async def _once(self) -> None:
        with self.log.open("ab") as log:
            begins = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self.words),
                env={**environment(), **self.variables},
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await self._until_ready(self.process, begins)
            self._ended(await self.process.wait())
        finally:
            self.ready.clear()
            if self.process.returncode is None:  # the run is over
                self.process.kill()
                await self.process.wait()

    async def _until_ready(self, process: asyncio.subprocess.Process, begins: int) -> None:
        while process.returncode is None:
            with self.log.open("rb") as log:
                log.seek(begins)
                said = [line.split() for line in log if line.startswith(b"ready")]
            if said:
                self.url = said[0][1].decode() if len(said[0]) > 1 else ""
                self.ready.set()
                return
            await asyncio.sleep(0.05)

    def _ended(self, code: int) -> None:
        self.diary.note(f"{self.name} ended with {code}")
        is_ours = code == -signal.SIGKILL or (self.is_stopping and code == 0)
        if self.ready.is_set() and not is_ours:
            self.fell.append(f"{self.name} ended with {code}")


@asynccontextmanager
async def alive(*programs: Program) -> AsyncIterator[None]:
    """Ready by now, and kept alive until the context is left; then they end, by force if needed."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(program.live()) for program in programs]
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                await asyncio.gather(*(program.ready.wait() for program in programs))
            yield
        finally:
            for program in programs:
                program.stop()
            _, late = await asyncio.wait(tasks, timeout=STOPS_WITHIN)
            for task in late:
                task.cancel()
