"""Every setting stands in the documentation, with its default."""

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keylease.domain.duration import format_duration
from keylease.runtime import sections
from keylease.runtime.settings import Settings
from tests.docs.pages import DOCS, code, rows

PAGE = (DOCS / "configuration.md").read_text()
BASES = {sections.Section, sections.Trusted}
SECTIONS: list[type[BaseModel]] = [
    Settings,
    *(
        kind
        for _, kind in inspect.getmembers(sections, inspect.isclass)
        if issubclass(kind, sections.Section) and kind not in BASES
    ),
]


def documented(heading: str) -> dict[str, str]:
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {code(row[0])[0]: row[1] for row in rows(part)}


def shown(field: FieldInfo) -> str:
    """The default in words."""
    if field.is_required():
        return "required"
    default: Any = field.get_default(call_default_factory=True)
    match default:
        case sections.FromChain():
            return "`kind: default`"
        case sections.Alibaba() | sections.Limits():
            return "see below"
        case timedelta():
            return f"`{format_duration(default)}`"
        case bool() | Path() | str() | int() if default != "":
            return f"`{default}`".lower() if isinstance(default, bool) else f"`{default}`"
    assert not default or default == sections.Events()
    return "none"


@pytest.mark.parametrize("kind", SECTIONS, ids=lambda kind: kind.__name__)
def test_every_setting_stands_in_the_documentation_with_its_default(kind: type[BaseModel]) -> None:
    defaults = {name: shown(field) for name, field in kind.model_fields.items()}

    assert documented(kind.__name__) == defaults


def test_every_section_of_the_documentation_exists() -> None:
    headings = [line.removeprefix("## ") for line in PAGE.splitlines() if line.startswith("## ")]

    assert sorted(headings) == sorted(kind.__name__ for kind in SECTIONS)
