"""Pages lead somewhere, name tests that exist, and use the house's words."""

import re
from itertools import chain
from pathlib import Path

import pytest

from keylease.emulator.faults import FaultKind
from tests.docs.pages import DECISIONS, DOCS, anchors, code, links, pages, rows, without_blocks
from tests.support.tree import ROOT, project_files, pyproject, shipped_modules

NAMED = [str(page.relative_to(ROOT)) for page in pages()]
PRAISE = re.compile(
    r"\b(?:powerful|seamless(?:ly)?|blazing(?:ly)?|robust|elegant(?:ly)?|effortless(?:ly)?|"
    r"state-of-the-art|world-class|cutting-edge|beautiful(?:ly)?|easily|simply)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", NAMED)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name

    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        base = ROOT if path.startswith("/") else page.parent  # GitHub reads / as the top
        there = (base / path.lstrip("/")).resolve() if path else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    for mentioned in code(without_blocks((ROOT / name).read_text())):
        path, _, test = mentioned.partition("::")
        if path.startswith(("tests/", "infra/", "functions/", "shared/")) and "<" not in path:
            assert (ROOT / path).exists(), mentioned
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(), mentioned


@pytest.mark.parametrize("name", NAMED)
def test_no_page_praises(name: str) -> None:
    assert PRAISE.search(without_blocks((ROOT / name).read_text())) is None


def test_code_names_no_page_that_is_not_there() -> None:
    known = {page.name for page in pages()}
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in shipped_modules()
        for name in re.findall(r"[\w-]+\.md\b", path.read_text())
    }

    assert {one for one in named if one[1] not in known} == set()


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    listed = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}

    assert {page for page in DOCS.glob("*.md") if page.name != "README.md"} <= listed
    assert DECISIONS.resolve() / "README.md" in listed


def numbered() -> list[Path]:
    return sorted(DECISIONS.glob("[0-9]*.md"))


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in numbered()]
    listed = dict.fromkeys(link for link in links(DECISIONS / "README.md") if link[0].isdigit())

    assert numbers == list(range(1, len(numbers) + 1))
    assert list(listed) == [path.name for path in numbered()]


@pytest.mark.parametrize("path", numbered(), ids=lambda path: path.stem)
def test_a_decision_has_the_house_form(path: Path) -> None:
    text = path.read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert re.match(rf"# {path.name[:4]} \S", text)
    assert re.search(r"^state: (?:draft|implemented|deprecated)$", text, re.MULTILINE)
    assert headings == ["What", "Why", "Details", "Failure modes", "Security", "Test plan"]


def test_the_architecture_page_names_every_import_contract() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    text = (DOCS / "architecture.md").read_text()

    assert [one["name"] for one in contracts if one["name"] not in text] == []


def test_the_architecture_page_names_every_folder_of_the_library() -> None:
    text = (DOCS / "architecture.md").read_text()
    library = ROOT / "shared" / "keylease"
    folders = [path.parent.name for path in library.glob("*/__init__.py")]

    assert [name for name in folders if f"`{name}" not in text] == []


def test_the_testing_page_lists_every_fault() -> None:
    listed = {code(row[0])[0] for row in rows((DOCS / "testing.md").read_text()) if code(row[0])}

    assert {str(kind) for kind in FaultKind} <= listed


def test_the_testing_page_lists_every_folder_of_tests() -> None:
    text = (DOCS / "testing.md").read_text()
    folders = {path.parts[1] for path in tracked() if path.parts[0] == "tests" and path.parts[2:]}

    assert sorted(name for name in folders if f"`tests/{name}`" not in text) == []


def tracked() -> list[Path]:
    return [path.relative_to(ROOT) for path in project_files()]


def test_every_dependency_says_what_it_is_for() -> None:
    text = (DECISIONS / "0016-dependencies.md").read_text()
    project = pyproject()["project"]
    extras = (
        members for name, members in project["optional-dependencies"].items() if name != "all"
    )
    wanted = chain(project["dependencies"], *extras)
    names = {re.split(r"[>=<\[]", one)[0].lower() for one in wanted}

    said = {name.strip().lower() for row in rows(text) for name in row[0].split("(")[0].split(",")}
    assert said == names
