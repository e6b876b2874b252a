"""The settings file as it was written: its content, and on which line each thing stands."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keylease.errors import Misconfigured

Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read."""

    path: Path
    document: Mapping[str, Any]
    line: Callable[[Place], int] | None = None
    """None: the reader keeps no lines (JSON)."""

    def place(self, where: Place, /) -> str:
        """`keylease.yaml:12`, or the file alone."""
        return f"{self.path}:{self.line(where)}" if self.line else str(self.path)


def read_source(path: Path, /) -> Source:
    """Read YAML strictly, or JSON by its suffix.

    Raises:
        Misconfigured: the file is not there, or is not what its suffix says.
    """
    if not path.exists():
        msg = f"{path} is not there; write it, or name another by --config or KEYLEASE_CONFIG"
        raise Misconfigured(msg)
    return _read_json(path) if path.suffix == ".json" else _read_yaml(path)


def _read_json(path: Path) -> Source:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as e:
        msg = f"{path}: no readable JSON ({type(e).__name__})"
        raise Misconfigured(msg) from e
    return Source(path=path, document=_mapping(document, path))


def _read_yaml(path: Path) -> Source:
    # 10 ms that a function with JSON settings does not pay.
    from keylease.adapters.files.yaml_strict import Flaw, read_yaml  # noqa: PLC0415  # as said

    try:
        document = read_yaml(path)
    except Flaw as e:
        msg = f"{path}:{e.line}: {'.'.join(map(str, e.path))} {e.message}".replace(":  ", ": ")
        raise Misconfigured(msg) from e
    return Source(path=path, document=_mapping(document.value, path), line=document.line)


def _mapping(document: object, path: Path) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        msg = f"{path}: write settings as `name: value` lines"
        raise Misconfigured(msg)
    return document
