"""Each import contract bites: a module that breaks it is named."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import FUNCTIONS, LIBRARY, ROOT, pyproject

BREACHES = {
    "Layers point inwards": ("shared/keylease/domain/bad.py", "keylease.runtime.process"),
    "Domain, policy and converge are pure": ("shared/keylease/converge/bad.py", "time"),
    "Only adapters, hosts and runtime speak HTTP": ("shared/keylease/ports/bad.py", "aiohttp"),
    "Adapters do not know each other": (
        "shared/keylease/adapters/memory/bad.py",
        "keylease.adapters.system.clock",
    ),
    "Only wiring chooses adapters": (
        "shared/keylease/runtime/process.py",
        "keylease.adapters.memory.clock",
    ),
    "Functions do not know each other": ("functions/decide/bad.py", "functions.sweep.handler"),
    "Functions know neither host nor vendor": (
        "functions/decide/bad.py",
        "keylease.adapters.memory.clock",
    ),
    "The library does not know the functions": (
        "shared/keylease/runtime/bad.py",
        "functions.decide.handler",
    ),
    "The emulator shares no code with what it tests": (
        "shared/keylease/emulator/bad.py",
        "keylease.domain.access",
    ),
}
LINT = (
    "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and of the contracts, to break."""
    root = tmp_path_factory.mktemp("copy")
    skip = shutil.ignore_patterns("__pycache__", "_bundle")
    shutil.copytree(LIBRARY, root / "shared" / "keylease", ignore=skip)
    shutil.copytree(FUNCTIONS, root / "functions", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def lint(root: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env={"PYTHONPATH": f"{root / 'shared'}:{root}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_contract_has_a_breach_here() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]

    assert {contract["name"] for contract in contracts} == set(BREACHES)


def test_the_code_keeps_every_contract(copy: Path) -> None:
    status, said = lint(copy)

    assert status == 0, said
    assert all(f"{name} KEPT" in said for name in BREACHES)


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_named(copy: Path, name: str) -> None:
    where, imported = BREACHES[name]
    module = copy / where
    before = module.read_text() if module.exists() else None
    try:
        module.write_text(f"{before or ''}\nimport {imported}\n")
        status, said = lint(copy)
    finally:
        if before is None:
            module.unlink()
        else:
            module.write_text(before)

    assert status == 1, said
    assert f"{name} BROKEN" in said, said
