"""Moving the store from the command line."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.lease import Lease
from keylease.errors import Misconfigured
from keylease.ports.moving import Row, Table
from keylease.ports.store import Batch
from keylease.runtime.settings import Settings
from keylease.runtime.stores import open_copy, open_origin, open_store
from tests.cli.running import Shell
from tests.contract.store import entry
from tests.support.build import lease

T = TypeVar("T")
START = "from keylease.cli.main import main; main()"
MANY = 30_000
PATIENCE = 60.0


def here(work: Coroutine[object, object, T]) -> T:
    """Before and after a command, which has a loop of its own."""
    with asyncio.Runner() as runner:
        return runner.run(work)


async def filled(path: Path) -> None:
    async with open_sqlite(path) as store:
        await store.commit(Batch(records=(lease("l"),), audit=(entry("lease.approved"),)))


def test_a_store_is_moved_and_its_use_is_told(shell: Shell, postgres_url: str) -> None:
    here(filled(shell.folder / "keylease.db"))

    said = shell.types("store", "copy", "sqlite:///keylease.db", postgres_url)
    again = shell.types("store", "copy", "sqlite:///keylease.db", postgres_url)
    back = shell.types("store", "copy", postgres_url, "sqlite:///back.db")

    assert (said.code, again.code, back.code) == (0, 0, 0)
    assert said.out.splitlines() == [
        (
            "copied 1 records, 1 versions, 0 inbox ids, 0 events, 0 attempts, 0 parked, "
            "1 audit entries"
        ),
        "now name it in the settings under store",
    ]
    assert "records" in said.err
    assert "1/1" in said.err
    assert again.out == "it was copied before; there is nothing to do\n"
    assert here(held(shell.folder / "back.db")) == lease("l", version=1)


async def held(path: Path) -> Lease | None:
    async with open_sqlite(path) as store:
        return await store.load(Lease, "l")


@pytest.mark.parametrize(
    ("origin", "target", "words"),
    [
        ("keylease.db", "sqlite:///b.db", "FROM: write sqlite:///PATH or postgresql://USER@HOST"),
        ("sqlite:///a.db", "postgresql://u:canary@localhost/k", "TO: a password does not stand"),
        ("sqlite:///a.db", "sqlite:///a.db", "TO: is the store that is copied; name another one"),
        ("sqlite:///nowhere.db", "sqlite:///b.db", "nowhere.db is not there"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_made(
    shell: Shell, origin: str, target: str, words: str
) -> None:
    said = shell.types("store", "copy", origin, target)

    assert said.code == 2
    assert words in said.err
    assert "canary" not in said.err
    assert list(shell.folder.glob("*.db")) == []


def test_a_store_in_use_is_not_filled(shell: Shell, postgres_url: str) -> None:
    for name in ("a.db", "b.db"):
        here(filled(shell.folder / name))
    shell.types("store", "copy", "sqlite:///a.db", postgres_url)

    said = shell.types("store", "copy", "sqlite:///b.db", postgres_url)

    assert said.code == 2
    assert "TO: it holds a copy of sqlite:///" in said.err


async def fill_much(address: str) -> None:
    """Rows that take some seconds to copy; nobody reads what is in them."""
    async with open_copy(address, Settings(), variables={}) as copy:
        for first in range(1, MANY, 5000):
            numbers = range(first, first + 5000)
            await copy.write(
                Table.RECORD,
                [(n, "lease", f"l{n}", 1, 1, n, "rmq-demo/kl1", None, "{}") for n in numbers],
            )
            await copy.write(Table.AUDIT, [(n, f"l{n}", "{}") for n in numbers])


async def rows_of(address: str, table: Table) -> list[Row]:
    async with open_origin(address, Settings(), variables={}) as origin:
        return list(await origin.read(table, after=None, limit=10 * MANY))


async def until_some_arrived(address: str, copying: subprocess.Popen[bytes]) -> int:
    """How many records are there while the copy is under way."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert copying.poll() is None, "the copy was done before it could be killed"
        try:
            async with open_copy(address, Settings(), variables={}) as copy:
                if found := await copy.last(Table.RECORD):
                    return found
        except Misconfigured:  # just being made
            pass
        await asyncio.sleep(0.02)
    pytest.fail("nothing arrives")


@pytest.mark.parametrize("way", ["to PostgreSQL", "to SQLite"])
def test_a_copy_that_is_killed_goes_on(shell: Shell, postgres_url: str, way: str) -> None:
    file = f"sqlite:///{shell.folder}/keylease.db"
    origin, target = (file, postgres_url) if way == "to PostgreSQL" else (postgres_url, file)
    here(fill_much(origin))
    command = [sys.executable, "-c", START, "store", "copy", origin, target]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as copying:
        arrived = here(until_some_arrived(target, copying))
        copying.kill()
    assert copying.returncode == -signal.SIGKILL
    assert 0 < arrived < MANY

    with pytest.raises(Misconfigured, match="is not finished; run keylease store copy again"):
        here(open_store(Settings(store=target), variables={}).__aenter__())
    said = shell.types("store", "copy", origin, target)

    assert said.code == 0
    assert f"copied {MANY} records, {MANY} versions, 0 inbox ids" in said.out
    assert "compared" in said.err
    assert f"{4 * MANY}/{4 * MANY}" in said.err
    for table in Table:
        assert here(rows_of(target, table)) == here(rows_of(origin, table))


def test_no_password_is_ever_said(
    shell: Shell, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary-5f20")
    monkeypatch.setenv("KEYLEASE_LOG_LEVEL", "debug")
    here(filled(shell.folder / "keylease.db"))
    nowhere = "postgresql://k@127.0.0.1:1/keylease"
    inside = "postgresql://k:canary-5f20@127.0.0.1:1/keylease"

    said = [
        shell.types("store", "copy", "sqlite:///keylease.db", postgres_url),
        shell.types("store", "copy", postgres_url, nowhere),
        shell.types("store", "copy", nowhere, postgres_url),
        shell.types("store", "copy", inside, postgres_url),
    ]

    assert [one.code for one in said] == [0, 2, 2, 2]
    assert "canary" not in f"{said}"


@pytest.mark.parametrize("kind", ["SQLite 3", "PostgreSQL 18"])
def test_doctor_tells_which_store_answers(
    shell: Shell, postgres_url: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "PostgreSQL 18":
        monkeypatch.setenv("KEYLEASE_STORE", postgres_url)
    (shell.folder / "keylease.db").touch(mode=0o644)

    said = shell.types("doctor", "--json")

    findings = {one["check"]: one["message"] for one in json.loads(said.out)["findings"]}
    assert findings["store answers"].startswith(kind)
    assert "schema 3" in findings["store answers"]
    assert findings["store is safe"].startswith("fsync is off" if "Postgre" in kind else "others")
