"""The project's own files, as architecture tests see them."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "shared" / "keylease"
FUNCTIONS = ROOT / "functions"
NO_TREE = frozenset({".git", ".venv", "__pycache__", "dist", "build"})


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def project_files() -> list[Path]:
    """What is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, by its path from the root."""
    for path in project_files():
        try:
            yield path.relative_to(ROOT), path.read_text()
        except UnicodeDecodeError:
            continue


def shipped_modules() -> list[Path]:
    """The library and the functions, without tests."""
    return sorted([*LIBRARY.rglob("*.py"), *FUNCTIONS.rglob("*.py")])


def modules() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Each function's name and lines, from `def` to its last line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1
