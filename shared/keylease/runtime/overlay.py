"""`KEYLEASE_` variables laid over the settings file; a double underscore goes one level down."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from keylease.runtime.references import FromEnvironment

PREFIX = "KEYLEASE_"
SEPARATOR = "__"


def overlaid(
    document: Mapping[str, Any], /, *, variables: Mapping[str, str], top: frozenset[str]
) -> dict[str, Any]:
    """The document with every variable whose first word is a field of settings put into it."""
    result: dict[str, Any] = dict(document)
    for path, text in _paths(variables, top=top):
        result = _put(result, path, _value(text))
    return result


def _paths(
    variables: Mapping[str, str], *, top: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in sorted(variables):
        path = tuple(name.removeprefix(PREFIX).lower().split(SEPARATOR))
        if name.startswith(PREFIX) and path[0] in top and all(path):
            yield path, variables[name]


def _put(document: Mapping[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    name = _known(document, path[0])
    if len(path) > 1:
        below = document.get(name)
        value = _put(below if isinstance(below, Mapping) else {}, path[1:], value)
    return {**document, name: value}


def _known(document: Mapping[str, Any], name: str) -> str:
    """The key as the file spells it: a variable's name has no hyphens and no case."""
    same = (key for key in document if str(key).lower().replace("-", "_") == name)
    return next(same, name)


def _value(text: str) -> object:
    """Lists and objects are written as JSON; anything else is text, also for secrets."""
    if text[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            pass
    return FromEnvironment(text)
