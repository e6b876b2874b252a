"""The project's pages as tests see them: their blocks, tables and links."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.support.tree import ROOT, project_files

DOCS = ROOT / "shared" / "docs"
DECISIONS = DOCS / "decisions"
RUNBOOKS = ROOT / "infra" / "runbooks"
EXAMPLES = ROOT / "infra" / "examples"
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page that people read, but none of the test corpus."""
    return [path for path in project_files() if path.suffix == ".md"]


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of our own pages; examples for senders have tests of their own."""
    own = (page for page in pages() if EXAMPLES not in page.parents)
    return [block for page in own for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path, /) -> list[Block]:
    text = page.read_text()
    name = str(page.relative_to(ROOT))
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[2], dedent(found[3]))
        for found in _FENCE.finditer(text)
    ]


def without_blocks(text: str, /) -> str:
    return _FENCE.sub("", text)


def links(page: Path, /) -> list[str]:
    return _LINK.findall(without_blocks(page.read_text()))


def anchors(page: Path, /) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", heading.strip()) for heading in plain}


def rows(text: str, /) -> list[list[str]]:
    """The cells of every table row, without heads and rules."""
    lines = [line for line in without_blocks(text).splitlines() if line.startswith("|")]
    ruled = [n for n, line in enumerate(lines) if re.fullmatch(r"[|\s:-]+", line)]
    heads = {n - 1 for n in ruled} | set(ruled)
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for n, line in enumerate(lines)
        if n not in heads
    ]


def code(cell: str, /) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)
