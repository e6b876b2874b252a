"""Functions are found by name, wherever the library is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from keylease.errors import Misconfigured
from keylease.runtime.bundle import LIBRARY, function_names, home, load_function


def python(program: str, *, cwd: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own that has only the library on its path."""
    setup = f"import sys; sys.path.insert(0, {str(LIBRARY.parent)!r})\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", setup + program],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_function_loads_and_knows_its_own_name() -> None:
    names = function_names()

    assert {"decide", "converge", "sweep"} <= names
    assert {load_function(name).name for name in names} == names


def test_a_function_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(Misconfigured, match=r"no function is called 'decid'; there are .*decide"):
        load_function("decid")


def test_functions_load_where_neither_path_nor_folder_has_them(tmp_path: Path) -> None:
    program = "from keylease.runtime.bundle import load_function as f; print(f('decide').name)"

    done = python(program, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("decide\n", "")


def test_a_published_package_of_the_same_name_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "__init__.py").write_text("raise RuntimeError('not ours')")
    program = (
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from keylease.runtime.bundle import load_function as f; print(f('decide').name)"
    )

    done = python(program, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("decide\n", "")


def test_a_foreign_package_that_is_already_loaded_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "__init__.py").touch()
    program = (
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import functions; from keylease.runtime.bundle import load_function as f; f('decide')"
    )

    done = python(program, cwd=tmp_path)

    assert "another package called 'functions' is loaded" in done.stderr


def test_the_wheel_s_own_functions_come_before_a_checkout_s(tmp_path: Path) -> None:
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    for folder in (wheel, checkout):
        (folder / "decide").mkdir(parents=True)
        (folder / "decide" / "handler.py").touch()

    assert home((wheel, checkout)) == wheel
    assert home((tmp_path / "nowhere", checkout)) == checkout


def test_an_installation_without_functions_says_so(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="has no functions"):
        home((tmp_path,))
