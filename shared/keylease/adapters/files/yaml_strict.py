"""Reads YAML with line numbers and refuses everything that reads one way and means another.

YAML 1.1, which PyYAML speaks, turns `NO` into false, `0755` into 493, `12:30` into 750 and lets
a second key silently win. Here each of these is a `Flaw` that says what to write instead.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import JsonValue

Path_ = tuple[str | int, ...]

LONGEST: Final = 4 * 1024 * 1024
DEEPEST: Final = 20
_TAG: Final = "tag:yaml.org,2002:"
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_ADVICE: Final = {
    "bool": "YAML reads it as true or false; write true or false, or put it in quotes",
    "int": "YAML reads it as another number; write a plain decimal, or put it in quotes",
    "float": "YAML reads it as another number; write a plain decimal, or put it in quotes",
    "timestamp": "YAML reads it as a date; put it in quotes",
    "null": "write null, or put it in quotes",
    "merge": "merge keys are not allowed; write it out",
    "value": "put it in quotes",
}


class _Mark(Protocol):
    line: int


class _Node(Protocol):
    """What PyYAML's nodes have in common; its stubs leave `id` out."""

    id: str
    tag: str
    value: Any
    start_mark: _Mark


class Flaw(Exception):  # never leaves this package: callers turn it into a Problem
    """A place in a file that is no strict YAML."""

    def __init__(self, message: str, *, line: int, path: Path_ = ()) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.path = path


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and on which line it says each thing."""

    file: str
    value: JsonValue
    lines: dict[Path_, int] = field(default_factory=dict[Path_, int])

    def line(self, path: Path_, /) -> int:
        """The line of a place, or of the closest place around it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path, /) -> Document:
    """Read a file; `Flaw` when it cannot be read or is no strict YAML."""
    try:
        content = path.read_bytes()
    except OSError as e:
        msg = f"cannot be read ({e.strerror}); give the path of a YAML file"
        raise Flaw(msg, line=1) from e
    if len(content) > LONGEST:
        msg = f"is longer than {LONGEST} bytes; split it into several files"
        raise Flaw(msg, line=1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content[: e.start].count(b"\n") + 1
        msg = "is not UTF-8; save it as UTF-8"
        raise Flaw(msg, line=line) from e
    if path.suffix == ".json":
        return _parse_json(text, file=str(path))
    return parse_yaml(text, file=str(path))


def _parse_json(text: str, *, file: str) -> Document:
    """What a build made of YAML, read without PyYAML; there are no lines to name."""
    try:
        return Document(file=file, value=json.loads(text, object_pairs_hook=_once))
    except ValueError as e:
        msg = f"is no JSON: {e}"
        raise Flaw(msg, line=getattr(e, "lineno", 1)) from e


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a key is written twice"
        raise ValueError(msg)
    return found


def parse_yaml(text: str, /, *, file: str) -> Document:
    """Read a text; `Flaw` when it is no strict YAML."""
    import yaml  # noqa: PLC0415  # 10 ms that no function with a compiled policy should pay

    loader = yaml.CSafeLoader(text)
    try:
        root: Any = loader.get_single_node()  # typed as `Node`, which has no `id`
    except yaml.YAMLError as e:
        raise _syntax(e) from e
    finally:
        loader.dispose()
    if root is None:
        msg = "is empty"
        raise Flaw(msg, line=1)
    reader = _Reader()
    value = reader.read(root, path=())
    return Document(file=file, value=value, lines=reader.lines)


def _syntax(error: Exception) -> Flaw:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    return Flaw(f"is no YAML: {problem}", line=mark.line + 1 if mark else 1)


class _Reader:
    """Turns one tree of nodes into plain values."""

    def __init__(self) -> None:
        self.lines: dict[Path_, int] = {}
        self._seen: set[int] = set()

    def read(self, node: _Node, *, path: Path_) -> JsonValue:
        self._visit(node, path=path)
        kind = node.tag.removeprefix(_TAG)
        if node.id == "mapping" and kind == "map":
            return self._mapping(node, path=path)
        if node.id == "sequence" and kind == "seq":
            return [self.read(inner, path=(*path, n)) for n, inner in enumerate(node.value)]
        if node.id == "scalar":
            return _scalar(node, kind=kind, path=path)
        raise _flaw(f"tag {node.tag} is not allowed; remove it", node=node, path=path)

    def _visit(self, node: _Node, *, path: Path_) -> None:
        # An alias is the very node of its anchor; going on would follow an alias bomb.
        if id(node) in self._seen:
            raise _flaw(
                "anchors and aliases are not allowed; write it out",
                node=node,
                path=path,
            )
        if len(path) > DEEPEST:
            raise _flaw(f"is nested deeper than {DEEPEST} levels", node=node, path=path)
        self._seen.add(id(node))
        self.lines.setdefault(path, node.start_mark.line + 1)

    def _mapping(self, node: _Node, *, path: Path_) -> JsonValue:
        found: dict[str, JsonValue] = {}
        for key_node, inner in node.value:
            key = _key(key_node, path=path)
            here = (*path, key)
            if key in found:
                first = self.lines[here]
                msg = f"is written twice, first in line {first}; keep one of them"
                raise _flaw(msg, node=key_node, path=here)
            self.lines[here] = key_node.start_mark.line + 1
            found[key] = self.read(inner, path=here)
        return found


def _key(node: _Node, *, path: Path_) -> str:
    if node.id != "scalar":
        raise _flaw("a key must be a word", node=node, path=path)
    kind = node.tag.removeprefix(_TAG)
    if kind != "str":
        advice = _ADVICE.get(kind, "put it in quotes")
        raise _flaw(f"key {node.value}: {advice}", node=node, path=path)
    return str(node.value)


def _scalar(node: _Node, *, kind: str, path: Path_) -> JsonValue:
    text = str(node.value)
    if kind == "str":
        return text
    if kind not in _ADVICE:
        raise _flaw(f"tag {node.tag} is not allowed; remove it", node=node, path=path)
    if text in _WORDS and kind in {"bool", "null"}:
        return _WORDS[text]
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text):
        return float(text)
    raise _flaw(f"{text}: {_ADVICE[kind]}", node=node, path=path)


def _flaw(message: str, *, node: _Node, path: Path_) -> Flaw:
    return Flaw(message, line=node.start_mark.line + 1, path=path)
