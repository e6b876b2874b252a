"""What a function imports is what its cold start costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import FUNCTIONS, LIBRARY, ROOT

NAMES = sorted(handler.parent.name for handler in FUNCTIONS.glob("*/handler.py"))
HEAVY = frozenset(
    {"aiohttp", "cryptography", "httpx", "jinja2", "rich", "sqlite3", "typer", "yaml"}
)
PROGRAM = """
import json, sys
sys.path[:0] = PATHS
for name in ("rich", "typer"):  # as where functions run: not installed
    sys.modules[name] = None
import MODULE
print(json.dumps([name for name, module in sys.modules.items() if module is not None]))
"""


def loaded(module: str, *, cwd: Path) -> frozenset[str]:
    """Every module that importing this one loads, in a process of its own without rich."""
    paths = [str(LIBRARY.parent), str(ROOT)]
    program = PROGRAM.replace("PATHS", repr(paths)).replace("MODULE", module)
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_nothing_heavy(name: str, tmp_path: Path) -> None:
    modules = loaded(f"functions.{name}.handler", cwd=tmp_path)

    assert modules & HEAVY == set()


def test_wiring_loads_no_adapter_before_it_is_asked(tmp_path: Path) -> None:
    modules = loaded("keylease.runtime.wiring", cwd=tmp_path)

    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("keylease.adapters.")} == set()


def test_something_heavy_would_be_seen(tmp_path: Path) -> None:
    assert "aiohttp" in loaded("keylease.adapters.system.http", cwd=tmp_path)
