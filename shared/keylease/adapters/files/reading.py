"""From a YAML file to a typed value, or to every mistake in it with file, line and field."""

import json
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from keylease.adapters.files.yaml_strict import Document, Flaw, Path_, read_yaml
from keylease.policy.problem import Problem

M = TypeVar("M", bound=BaseModel)
Naming = Callable[[Document, Path_], tuple[str, Path_]]
"""What a place belongs to (`rule orders-on-call`), and the rest of the path inside of it."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[M]):
    """A value, or the problems because of which there is none."""

    file: Path
    value: M | None = None
    document: Document | None = None
    problems: tuple[Problem, ...] = ()

    def problem(self, path: Path_, /, *, message: str, naming: "Naming") -> Problem:
        """A mistake in one place of the file."""
        document = self.document or Document(file=str(self.file), value=None)
        where, field = naming(document, path)
        line = document.line(path)
        return Problem(
            file=document.file, line=line, where=where, field=dotted(field), message=message
        )


def read_file(path: Path, /, *, model: type[M], naming: Naming) -> Reading[M]:
    """Read and check one file."""
    try:
        document = read_yaml(path)
    except Flaw as e:
        problem = _syntax_problem(e, file=str(path))
        return Reading(file=path, problems=(problem,))
    try:
        # JSON mode is the strict one that still reads lists as tuples and words as enums.
        value = model.model_validate_json(json.dumps(document.value))
    except ValidationError as e:
        found = [
            _problem(error, document=document, model=model, naming=naming) for error in e.errors()
        ]
        return Reading(file=path, document=document, problems=tuple(found))
    return Reading(file=path, value=value, document=document)


def _syntax_problem(flaw: Flaw, *, file: str) -> Problem:
    field = dotted(flaw.path)
    return Problem(file=file, line=flaw.line, where="", field=field, message=flaw.message)


def named_places(words: Mapping[str, str], /) -> Naming:
    """Names a place by its section and its key: `target rmq-demo`, `standing account 1`."""

    def naming(_: Document, path: Path_) -> tuple[str, Path_]:
        if len(path) > 1 and path[0] in words:
            key = path[1] + 1 if isinstance(path[1], int) else path[1]
            return f"{words[str(path[0])]} {key}", path[2:]
        return "", path

    return naming


def dotted(path: Path_, /) -> str:
    """`when.ip_within[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _problem(
    error: ErrorDetails, *, document: Document, model: type[BaseModel], naming: Naming
) -> Problem:
    path = tuple(step for step in error["loc"] if step != "[key]")
    where, field = naming(document, path)
    return Problem(
        file=document.file,
        line=document.line(path),
        where=where,
        field=dotted(field),
        message=_message(error, path=path, model=model),
    )


def _message(error: ErrorDetails, *, path: Path_, model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return _unknown(str(path[-1]), path=path, model=model)
        case "missing":
            return "is missing; add it"
        case "enum" | "literal_error":
            expected = str(error.get("ctx", {}).get("expected", ""))
            return _choice(error["input"], expected=expected)
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            message = error["msg"]
            return f"{message[:1].lower()}{message[1:]}, not {json.dumps(error['input'])[:60]}"


def _choice(given: object, *, expected: str) -> str:
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    near = _close(str(given), words)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{given!r} is none of {', '.join(words)}{hint}"


def _unknown(name: str, *, path: Path_, model: type[BaseModel]) -> str:
    here = _fields(_model_at(path[:-1], model=model))
    near = _close(name, here)
    if near:
        return f"unknown field; did you mean {near[0]}?"
    for section, fields in _sections(model):
        if found := _close(name, fields):
            return f"unknown field; did you mean {section}.{found[0]}?"
    return f"unknown field; known are {', '.join(here)}"


def _close(word: str, words: list[str]) -> list[str]:
    import difflib  # noqa: PLC0415  # only an author who made a mistake pays for it

    return difflib.get_close_matches(word, words, n=1)


def _fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: Path_, *, model: type[BaseModel]) -> type[BaseModel]:
    """The model around a place; a list's number or a dictionary's key stays inside of it."""
    current = model
    for step in path:
        named = [f for n, f in current.model_fields.items() if step in (n, f.alias)]
        current = (_inner(named[0].annotation) if named else None) or current
    return current


def _inner(annotation: object) -> type[BaseModel] | None:
    """The model in `X`, `X | None`, `tuple[X, ...]`, `dict[str, X]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, list[str]]]:
    """Every model inside of one, by the name of the field that holds it."""
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        if inner is not None:
            yield field.alias or name, _fields(inner)
            yield from _sections(inner)
