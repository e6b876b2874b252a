"""Whatever was acknowledged is there after a kill, and nothing is there by half."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.lease import Lease
from keylease.errors import Duplicate
from tests.adapters.sqlite.committer import batch

ROOT = Path(__file__).parents[3]
ROUNDS = 3
AT_LEAST = 50
"""Acknowledged commits before each kill."""


async def killed_in_the_middle(path: Path, /, *, run: str) -> set[str]:
    """Start a committer, kill it, and return the ids that it had acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.adapters.sqlite.committer",
        str(path),
        run,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'shared'}{os.pathsep}{ROOT}"},  # noqa: TID251  # a child needs PATH
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(AT_LEAST)]
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    # A last line without its end was never acknowledged.
    return {
        line.decode().strip()
        for line in [*lines, *rest.splitlines(keepends=True)]
        if line.endswith(b"\n")
    }


async def test_no_acknowledged_commit_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "keylease.db"

    acknowledged: set[str] = set()
    for n in range(ROUNDS):
        acknowledged |= await killed_in_the_middle(path, run=f"run{n}")

    assert len(acknowledged) >= ROUNDS * AT_LEAST
    async with open_sqlite(path) as store:
        leases = await store.children(Lease, "rmq-demo/kl1", limit=10**6)
        stored = {lease.id for lease in leases}
        audited = {line.subject for line in await store.audit(limit=10**6)}
        lanes = {
            p.outgoing.event.subject
            for p in await store.parcels(before=leases[0].not_after, limit=10**6)
        }
        assert acknowledged <= stored
        assert stored == audited == lanes  # whole commits only
        with pytest.raises(Duplicate):
            await store.commit(batch(acknowledged.pop()))


async def test_a_killed_database_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "keylease.db"
    await killed_in_the_middle(path, run="run")

    with sqlite3.connect(path) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()

    assert answer == ("ok",)
