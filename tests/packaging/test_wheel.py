"""The wheel, as a stranger installs it: into an empty environment, far from the checkout."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.tree import FUNCTIONS, LIBRARY, ROOT

LOCK = ROOT / "infra" / "lock" / "all.txt"
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*words: str | Path, cwd: Path, budget: int = 300) -> str:
    """What it prints; without a trace of this environment in its own."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=budget,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def build(folder: Path, *, source: Path = ROOT) -> Path:
    folder.mkdir(exist_ok=True)
    run(
        sys.executable,
        *PIP,
        *("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source),
        cwd=folder,
    )
    (wheel,) = folder.glob("keylease-*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with nothing but the wheel and its extra `all`, as locked."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(python, *PIP, "install", "--require-hashes", "-r", LOCK, cwd=folder)
    run(python, *PIP, "install", "--no-deps", wheel, cwd=folder)
    return python.parent


def digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def names(wheel: Path) -> Sequence[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def missing(folder: Path, *, at: str, among: Sequence[str]) -> list[str]:
    """Files of that folder that the wheel has not."""
    files = (path for path in folder.rglob("*") if path.is_file())
    wanted = (f"{at}{path.relative_to(folder)}" for path in files if path.suffix != ".pyc")
    return sorted(set(wanted) - set(among))


def test_nothing_but_keylease_lands_at_the_top(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}

    assert tops == {"keylease", "keylease-0.1.0.dist-info"}


def test_the_wheel_holds_library_functions_and_their_data(wheel: Path) -> None:
    among = names(wheel)

    assert missing(LIBRARY, at="keylease/", among=among) == []
    assert missing(FUNCTIONS, at="keylease/_bundle/functions/", among=among) == []
    assert missing(ROOT / "infra" / "policies", at="keylease/_bundle/policies/", among=among) == []
    assert any(name.endswith(".sql") for name in among)
    assert not [name for name in among if name.endswith(".pyc")]


def test_two_builds_in_two_places_are_the_same_bytes(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for name in ("shared", "functions", "infra"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, here / name, ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, here)
    shutil.copytree(here, there, copy_function=shutil.copyfile)  # and other times of change

    first, second = build(tmp_path / "first", source=here), build(tmp_path / "second", source=there)

    assert digest(first) == digest(second)


def test_the_environment_agrees_with_itself(installed: Path, tmp_path: Path) -> None:
    run(installed / "python", *PIP, "check", cwd=tmp_path)


@pytest.mark.parametrize("package", ["shared", "functions", "tests"])
def test_only_keylease_can_be_imported(installed: Path, tmp_path: Path, package: str) -> None:
    program = (
        f"import importlib.util as u; print(u.find_spec('keylease') and u.find_spec({package!r}))"
    )

    assert run(installed / "python", "-c", program, cwd=tmp_path) == "None\n"


def test_the_functions_of_the_wheel_load(installed: Path, tmp_path: Path) -> None:
    program = (
        "from keylease.runtime.bundle import function_names, home, load_function\n"
        "print(*sorted(load_function(name).name for name in function_names()))\n"
        "print(home())"
    )

    loaded, home = run(installed / "python", "-c", program, cwd=tmp_path).splitlines()

    assert loaded.split() == sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py"))
    assert home.endswith("site-packages/keylease/_bundle/functions")


def test_help_is_printed_anywhere(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "keylease", "--help", cwd=tmp_path)

    assert "demo" in said
    assert "serve" in said


def test_the_demo_works_anywhere(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "keylease", "demo", cwd=tmp_path, budget=120)

    assert ", 0 broken" in said


def test_without_its_libraries_the_command_line_says_what_to_install(
    wheel: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, *PIP, "install", "--no-deps", wheel, cwd=tmp_path)

    done = subprocess.run(
        [python.parent / "keylease"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.strip().endswith("pip install 'keylease[cli]'")
