"""The entry of the command line: says how to install it when its libraries are missing."""

import signal
import sys
from importlib.util import find_spec
from types import FrameType

STOPPED = 130
"""As shells say it of a program that Ctrl-C has stopped."""
HINT = "the command line needs two more packages; run: pip install 'keylease[cli]'"


def main() -> None:
    """Run the command line and leave with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(_run())
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM stops a command as Ctrl-C does: what it has open is closed first."""
    del number, frame
    signal.raise_signal(signal.SIGINT)


def _run() -> int:
    if not _is_installed("typer"):
        sys.stderr.write(f"keylease: {HINT}\n")
        return 2
    from keylease.cli.app import run  # noqa: PLC0415  # only when its libraries are there

    return run(sys.argv[1:])


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False
