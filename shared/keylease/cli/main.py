"""The entry of the command line: says how to install it when its libraries are missing."""

import sys
from importlib.util import find_spec

HINT = "the command line needs two more packages; run: pip install 'keylease[cli]'"


def main() -> None:
    """Run the command line and leave with its exit code."""
    if not _is_installed("typer"):
        sys.stderr.write(f"keylease: {HINT}\n")
        sys.exit(2)
    from keylease.cli.app import run  # noqa: PLC0415  # only when its libraries are there

    sys.exit(run(sys.argv[1:]))


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False
