"""The repository has one shape, and names nothing but itself."""

import ast
import re
import subprocess
from pathlib import Path

from tests.support.tree import ROOT, modules, project_files, texts

TOP = {"functions", "shared", "infra", "tests", "pyproject.toml", "Makefile"} | {
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
}
# Spelled in parts, so that this file may be searched too.
ELSEWHERE = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js",
    "deb." + "debian.org",
    "/" + "work/",
    "../" + "shared/",
)
LOCK_HOSTS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links")


def test_the_top_level_holds_what_the_design_says() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in project_files()}

    assert {name for name in names if not name.startswith(".")} <= TOP


def test_shared_is_a_plain_folder() -> None:
    assert not (ROOT / "shared" / "__init__.py").exists()
    assert {path.name for path in (ROOT / "shared").glob("*.py")} == set()


def test_functions_and_tests_are_namespace_packages() -> None:
    packages = [*(ROOT / "functions").rglob("__init__.py"), *(ROOT / "tests").rglob("__init__.py")]

    assert packages == []


def test_no_file_names_the_machine_that_it_was_written_on() -> None:
    named = [f"{path}: {word}" for path, text in texts() for word in ELSEWHERE if word in text]

    assert named == []


def test_locks_pin_hashes_and_no_address() -> None:
    for lock in (ROOT / "infra" / "lock").glob("*.txt"):
        text = lock.read_text()

        assert LOCK_HOSTS.search(text) is None, lock.name
        if lock.name != "made-from.txt":
            pins = re.findall(r"^[\w.-]+==.*\\$\n^    --hash=sha256:", text, re.MULTILINE)
            assert len(pins) == len(re.findall(r"^[\w.-]+", text, re.MULTILINE)), lock.name


def test_every_module_says_what_it_knows() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_ci_is_executable() -> None:
    kept = subprocess.run(
        ["git", "ls-files", "--stage", ".ci/run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert kept.stdout.startswith("100755")


def test_the_licence_is_whole() -> None:
    text = Path(ROOT / "LICENSE").read_text()

    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
