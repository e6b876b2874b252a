"""Commands that are stopped before they are done: what they have open is closed, no traceback."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keylease.runtime.settings import environment
from tests.cli.running import Shell

START = "from keylease.cli.main import main; main()"
PATIENCE = 20.0


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_stopped_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, "demo",
        env={**environment(), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while not (line := (await process.stdout.readline()).decode()).count("Redis at"):
            pass
    port = int(line.strip().rpartition(":")[2])
    assert left(tmp_path)

    process.send_signal(number)
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()

    assert (process.returncode, err) == (130, b"")
    assert left(tmp_path) == []
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


def test_being_stopped_while_it_starts_shows_no_traceback() -> None:
    program = (
        "import sys, importlib.abc\n"
        "class Stopped(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'keylease.cli.app': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stopped())\n"
        "from keylease.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


async def test_a_request_that_is_not_waited_for_has_told_its_id(shell: Shell) -> None:
    words = ("request", "cache-reader", "--as", "ana", "--for", "5m", "--because", "x")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, *words, "--wait", "60",
        cwd=shell.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        line = (await process.stdout.readline()).decode()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()

    assert line.startswith("req-")
    assert (process.returncode, err) == (130, b"")
