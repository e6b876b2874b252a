"""The entry of the command line: says how to install it when its libraries are missing."""

import importlib.util
import sys

HINT = "the command line needs two more packages; run: pip install 'keylease[cli]'"


def main() -> None:
    """Run the command line and leave with its exit code."""
    if importlib.util.find_spec("typer") is None:
        sys.stderr.write(f"keylease: {HINT}\n")
        sys.exit(2)
    from keylease.cli.app import run  # noqa: PLC0415  # only when its libraries are there

    sys.exit(run(sys.argv[1:]))
