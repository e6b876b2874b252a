"""A lock that is older than its dependencies is named."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.tree import ROOT, pyproject

LOCKS = ROOT / "infra" / "lock"


@pytest.fixture(scope="module")
def fresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fresh", LOCKS / "fresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fresh"] = module
    spec.loader.exec_module(module)
    return module


def test_the_locks_are_fresh(fresh: ModuleType) -> None:
    then = (LOCKS / "made-from.txt").read_text().splitlines()

    assert fresh.stale(fresh.lines(pyproject(), folder=LOCKS), then=then) == []


def test_a_new_dependency_makes_every_lock_stale(fresh: ModuleType) -> None:
    project = pyproject()
    then = fresh.lines(project, folder=LOCKS)
    project["project"]["dependencies"].append("leftpad")

    assert fresh.stale(fresh.lines(project, folder=LOCKS), then=then) == [
        "functions.txt",
        "fc.txt",
        "server.txt",
        "all.txt",
        "dev.txt",
    ]


def test_a_new_development_dependency_makes_one_lock_stale(fresh: ModuleType) -> None:
    project = pyproject()
    then = fresh.lines(project, folder=LOCKS)
    project["dependency-groups"]["dev"].append("leftpad")

    assert fresh.stale(fresh.lines(project, folder=LOCKS), then=then) == ["dev.txt"]


def test_an_edited_lock_is_stale(fresh: ModuleType, tmp_path: Path) -> None:
    for lock in LOCKS.glob("*.txt"):
        (tmp_path / lock.name).write_bytes(lock.read_bytes())
    then = fresh.lines(pyproject(), folder=tmp_path)
    (tmp_path / "all.txt").write_text("aiohttp==0\n")

    assert fresh.stale(fresh.lines(pyproject(), folder=tmp_path), then=then) == ["all.txt"]
