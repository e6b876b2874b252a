"""The timeline of the demo: what happens, when, and whether it is as promised."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 20.0
POLL = 0.05
WIDTH = 88


class Unkept(Exception):  # ends the demo, never leaves it
    """A promise was not kept; the demo cannot go on."""


@dataclass(slots=True)
class Timeline:
    """Prints lines, counts checks. Plain text, so that any terminal and any log shows it."""

    write: Callable[[str], None]
    now: Callable[[], float]
    began: float = 0.0
    kept: int = 0
    broken: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.began = self.now()

    def title(self, text: str, /) -> None:
        self.write(f"\n{text}")

    def tell(self, text: str, /) -> None:
        """One fact; further lines of it stand below it."""
        lines = [part for line in text.splitlines() for part in wrap(line, WIDTH) or [""]]
        first, *rest = lines or [""]
        self.write(f"  {self.now() - self.began:5.1f}s  {first}")
        for line in rest:
            self.write(f"          {line}")

    def check(self, fact: str, /, *, holds: bool) -> None:
        """A promise, and whether it is kept."""
        if holds:
            self.kept += 1
            self.tell(f"[ok] {fact}")
        else:
            self.broken.append(fact)
            self.tell(f"[BROKEN] {fact}")

    def demand(self, fact: str, /, *, holds: bool) -> None:
        """A promise without which nothing further makes sense."""
        self.check(fact, holds=holds)
        if not holds:
            raise Unkept(fact)

    async def wait(self, what: str, found: Callable[[], T | None], /) -> T:
        """The first thing found; when it does not come in time, the demo ends."""
        until = self.now() + PATIENCE
        while self.now() < until:
            thing = found()
            if thing:
                return thing
            await asyncio.sleep(POLL)
        fact = f"{what} comes within {PATIENCE:.0f} s"
        self.check(fact, holds=False)
        raise Unkept(fact)
