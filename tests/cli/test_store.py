"""Moving the store from the command line."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.lease import Lease
from keylease.ports.store import Batch
from tests.cli.running import Shell
from tests.contract.store import entry
from tests.support.build import lease

T = TypeVar("T")


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


@pytest.mark.parametrize("kind", ["SQLite 3", "PostgreSQL 18"])
def test_doctor_tells_which_store_answers(
    shell: Shell, postgres_url: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "PostgreSQL 18":
        monkeypatch.setenv("KEYLEASE_STORE", postgres_url)

    said = shell.types("doctor", "--json")

    findings = {one["check"]: one["message"] for one in json.loads(said.out)["findings"]}
    assert findings["store answers"].startswith(kind)
    assert "schema 3" in findings["store answers"]
