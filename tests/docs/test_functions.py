"""The table in functions/README.md is what the functions say of themselves."""

import re

from keylease.domain.events import EventData
from keylease.runtime.bundle import function_names, load_function
from tests.docs.pages import code, rows
from tests.support.tree import FUNCTIONS

OUTSIDE = {"intake", "claim"}
"""Called over HTTP, not by an event."""
TABLE = rows((FUNCTIONS / "README.md").read_text())


def short(kinds: frozenset[type[EventData]]) -> list[str]:
    return sorted(kind.type.removeprefix("io.keylease.").removesuffix(".v1") for kind in kinds)


def named(row: list[str]) -> str:
    found = re.fullmatch(r"\[(\w+)\]\((\w+)/handler\.py\)", row[0])
    assert found, row
    assert found[1] == found[2]
    return found[1]


def test_every_function_has_its_row_and_its_file() -> None:
    names = [named(row) for row in TABLE]

    assert sorted(names) == sorted(function_names())
    assert all((FUNCTIONS / name / "handler.py").exists() for name in names)


def test_rows_say_what_is_consumed() -> None:
    for row in TABLE:
        function = load_function(named(row))

        assert code(row[2]) == short(function.consumes)
        assert bool(function.consumes) is (function.name not in OUTSIDE)


def test_rows_say_what_is_emitted() -> None:
    for row in TABLE:
        assert code(row[3]) == short(load_function(named(row)).emits)
