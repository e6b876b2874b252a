"""Say which locks are older than the dependencies in pyproject.toml, without any network.

`make lock` runs this with --write; `make check` runs it without. A lock is fresh when the digest
of the dependency tables that it was made from still matches.
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
STAMP = HERE / "made-from.sha256"
LOCKS = ("functions.txt", "all.txt", "dev.txt")


def digest() -> str:
    """The digest of everything that decides what the locks hold, and of the locks themselves."""
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())
    tables = {
        "python": project["project"]["requires-python"],
        "dependencies": project["project"]["dependencies"],
        "extras": project["project"]["optional-dependencies"],
        "groups": project["dependency-groups"],
        "locks": {name: hashlib.sha256((HERE / name).read_bytes()).hexdigest() for name in LOCKS},
    }
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """Write the stamp, or compare it."""
    if "--write" in sys.argv:
        STAMP.write_text(digest() + "\n")
        return 0
    if STAMP.exists() and STAMP.read_text().strip() == digest():
        return 0
    sys.stderr.write("infra/lock is older than pyproject.toml: run `make lock` and commit it\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
