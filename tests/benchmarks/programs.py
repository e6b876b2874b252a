"""Starting the other processes of a benchmark."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE = 30.0
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def variables(**more: str) -> dict[str, str]:
    """This process's variables without proxies, and some more."""
    kept = {name: text for name, text in os.environ.items() if name.lower() not in PROXIES}  # noqa: TID251  # children need a PATH
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@asynccontextmanager
async def started(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> AsyncIterator[list[str]]:
    """A Python program that says `ready ...`; the words after it. It ends with the context.

    What it says goes to a file: a pipe would have to be read, or it stands still when that is full.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=env or variables(),
            cwd=cwd,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := _ready(Path(log.name))) is None:
                    assert process.returncode is None, f"{words} ended before it was ready"
                    await asyncio.sleep(0.02)
            yield found
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


def _ready(log: Path) -> list[str] | None:
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    ready = [words for words in map(str.split, lines) if words[:1] == ["ready"]]
    return ready[0][1:] if ready else None


async def told(*words: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Any:  # JSON
    """What a Python program prints as its last line, read as JSON."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=pipe, stderr=pipe, env=env or variables(), cwd=cwd
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().splitlines()[-1])
