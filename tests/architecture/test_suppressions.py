"""A rule may be set aside, with the reason beside it."""

import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.support.tree import ROOT, modules

MARK = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)")
REASONED = re.compile(
    r"# (?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]|pragma: no (?:cover|branch))"
    r"(?:  # (?:noqa: [A-Z]+\d+|type: ignore\[[\w, -]+\]))*"
    r"  # \S.{2,}"
)
IGNORES = re.compile(r"\[tool\.ruff\.lint(?:\.per-file-ignores)?\]\n")


def unreasoned(path: Path) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return [
        f"{path.name}:{token.start[0]}: {token.string}"
        for token in tokens
        if token.type == tokenize.COMMENT
        and MARK.match(token.string)
        and not REASONED.match(token.string)
    ]


def test_every_suppression_names_its_code_and_its_reason() -> None:
    assert [line for path in modules() for line in unreasoned(path)] == []


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# noqa: S101", "# type: ignore", "# type: ignore[misc]", "# pragma: no cover"],
)
def test_a_suppression_without_a_reason_is_found(tmp_path: Path, comment: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"x = 1  {comment}\ny = 2  {comment}  # it is so\n")

    found = unreasoned(module)

    assert f"module.py:1: {comment}" in found


def ignores(text: str) -> list[str]:
    """The lines of pyproject that set a lint rule aside, for the project or for a folder."""
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    chosen = [section for section in sections if IGNORES.match(section)]
    return [
        line
        for section in chosen
        for line in section.splitlines()
        if re.search(r'"[A-Z]+\d*"', line) and "select" not in line
    ]


def test_every_ignored_rule_in_pyproject_has_its_reason() -> None:
    lines = ignores((ROOT / "pyproject.toml").read_text())

    assert len(lines) > 10
    assert [line for line in lines if not re.search(r"[,\]]\s*# \S", line)] == []
