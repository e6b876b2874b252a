"""Say which lock is older than the dependencies in pyproject.toml, without any network.

`make lock` runs this with --write; `make check` runs it without. `made-from.txt` keeps, for each
lock, the digest of what it was made from and the digest of what was made.
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STAMP = HERE / "made-from.txt"
TABLES = {
    "functions.txt": ("requires-python", "dependencies"),
    "fc.txt": ("requires-python", "dependencies", "optional-dependencies"),
    "server.txt": ("requires-python", "dependencies", "optional-dependencies"),
    "all.txt": ("requires-python", "dependencies", "optional-dependencies"),
    "dev.txt": ("requires-python", "dependencies", "optional-dependencies", "dependency-groups"),
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def lines(pyproject: dict[str, Any], /, *, folder: Path) -> list[str]:
    """One line per lock: its name, the digest of its tables, the digest of the lock."""
    tables = pyproject["project"] | {"dependency-groups": pyproject["dependency-groups"]}
    return [
        f"{lock} {_made_from(tables, names)} {digest((folder / lock).read_bytes())}"
        for lock, names in TABLES.items()
    ]


def _made_from(tables: dict[str, Any], names: tuple[str, ...]) -> str:
    chosen = {name: tables[name] for name in names}
    return digest(json.dumps(chosen, sort_keys=True).encode())


def stale(now: list[str], /, *, then: list[str]) -> list[str]:
    """The locks whose line is not what it was."""
    return [line.split()[0] for line in now if line not in then]


def main() -> int:
    """Write the stamp, or compare it."""
    now = lines(tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text()), folder=HERE)
    if "--write" in sys.argv:
        STAMP.write_text("\n".join(now) + "\n")
        return 0
    old = stale(now, then=STAMP.read_text().splitlines() if STAMP.exists() else [])
    if old:
        sys.stderr.write(f"stale in infra/lock: {', '.join(old)}; run `make lock` and commit it\n")
    return 1 if old else 0


if __name__ == "__main__":
    raise SystemExit(main())
