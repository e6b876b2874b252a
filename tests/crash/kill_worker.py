"""`child.py` as a process, started again whenever it has died, and what a death leaves on disk."""

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from keylease.cli.demo_stage import Stage
from keylease.runtime.settings import environment
from tests.crash.points import Kind, Point
from tests.support.tree import ROOT

Armed = tuple[Point, Kind]

STARTS_WITHIN = 30.0


@dataclass(slots=True)
class Worker:
    """One keylease over the stage's database file."""

    stage: Stage
    name: str = "worker"
    armed: Armed | None = None
    is_kept: bool = True
    """Whether it is started again after its death."""
    url: str = ""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: int = 0
    passed: list[Point] = field(default_factory=list)
    """Points of the last life, when it ended cleanly."""
    process: asyncio.subprocess.Process | None = None
    is_stopping: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Run it until `stop`; every other end must be a SIGKILL."""
        while True:
            armed, self.armed = self.armed, None
            self.process = await self._start(armed)
            rest = await self._until_its_end(self.process)
            code, is_stopping = self.process.returncode, self.is_stopping
            if is_stopping and code == 0:
                self.passed = [Point(name, nth) for name, nth in json.loads(rest)]
                self.stopped.set()
                return
            assert code == -signal.SIGKILL, f"{self.name} ended with {code}\n{self.log[-3000:]}"
            self.deaths += 1
            assert whole(database(self.stage)), "the dead process left a broken database"
            if not self.is_kept:
                return

    async def stop(self) -> None:
        """Let it end cleanly, unless it is dead for good."""
        if self.deaths and not self.is_kept:
            return
        self.is_stopping = True
        if self.ready.is_set():
            self._end()
        await self.stopped.wait()

    def _end(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):  # it has just died; its next life is ended
            self.process.terminate()

    def kill(self) -> None:
        """SIGKILL, now."""
        assert self.process is not None
        self.process.kill()

    @property
    def log(self) -> str:
        """What all its lives have logged."""
        return self._log_file.read_text(encoding="utf-8")

    @property
    def _log_file(self) -> Path:
        return self.stage.folder / f"{self.name}.log"

    async def _start(self, armed: Armed | None) -> asyncio.subprocess.Process:
        words = (armed[0].name, str(armed[0].nth), armed[1]) if armed else ()
        with self._log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.crash.child", *words),
                env={
                    **environment(),
                    **self.stage.variables,
                    "KEYLEASE_CONFIG": str(self.stage.config),
                },
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )

    async def _until_its_end(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                first = (await process.stdout.readline()).decode()
            if first.startswith("ready "):
                self.url = first.split()[1]
                self.ready.set()
                if self.is_stopping:  # it died on its way to the end
                    self._end()
            out, _ = await process.communicate()
            return out.decode()
        finally:
            self.ready.clear()
            if process.returncode is None:  # the test is over
                process.kill()
                await process.wait()


def database(stage: Stage, /) -> Path:
    return stage.folder / "keylease.db"


def whole(path: Path, /) -> bool:
    """Whether SQLite finds a copy of the file in order, as the next process will find it."""
    with tempfile.TemporaryDirectory() as folder:
        for part in path.parent.glob(f"{path.name}*"):
            if not part.name.endswith("-shm"):  # shared memory of processes, made anew
                shutil.copy(part, folder)
        with closing(sqlite3.connect(Path(folder) / path.name)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
