"""Whatever wakes a person has a runbook."""

import ast
import re
from pathlib import Path

import pytest

from keylease.domain.events import ClaimRepeated, LeaseFailed, LeaseStuck, RotationFailed
from tests.docs.pages import RUNBOOKS, links
from tests.support.tree import shipped_modules

BOOKS = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
TEXT = "\n".join(path.read_text() for path in BOOKS)
LOUD = {"error", "exception", "critical"}


def logged() -> set[str]:
    """The names of all log lines that say that somebody must act."""
    found = set()
    for path in shipped_modules():
        if "emulator" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                    args=[ast.Constant(value=str(name)), *_],
                ) if level in LOUD:
                    found.add(name)
    return found


def test_every_error_in_the_log_has_a_runbook() -> None:
    names = logged()

    assert len(names) >= 8
    assert sorted(name for name in names if f"`{name}`" not in TEXT) == []


@pytest.mark.parametrize("kind", [ClaimRepeated, LeaseFailed, LeaseStuck, RotationFailed])
def test_every_event_that_operators_are_told_of_has_a_runbook(kind: type) -> None:
    name = str(vars(kind)["type"]).removeprefix("io.keylease.").removesuffix(".v1")

    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_its_four_parts(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)

    assert headings == ["What it means", "How to see it", "What to do", "How to know it is over"]


def test_every_runbook_is_listed() -> None:
    listed = [link for link in links(RUNBOOKS / "README.md") if "/" not in link]

    assert sorted(set(listed)) == [path.name for path in BOOKS]
