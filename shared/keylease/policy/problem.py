"""What is wrong in a file, told so that its author finds the place and knows what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error stops a start; a warning is most likely a mistake."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one place."""

    file: str
    line: int
    where: str
    """`rule orders-on-call`, `target rmq-demo`; empty when the file itself is meant."""
    field: str
    message: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        label = "warning" if self.level is Level.WARNING else ""
        parts = (
            f"{self.file}:{self.line}",
            label,
            self.where,
            self.field,
            self.message,
        )
        return ": ".join(part for part in parts if part)
