"""What was called and how it ended, for tests and for a curious person. No passwords."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    product: str
    operation: str
    instance_id: str
    username: str | None
    access_key_id: str
    status: int
    code: str
    """`OK`, or the code of the refusal."""
    fault: str | None
    """The kind of the fault that struck."""
    request_id: str

    @property
    def outcome(self) -> str:
        return self.fault or self.code


@dataclass(slots=True)
class Journal:
    entries: list[Entry] = field(default_factory=list)

    def operations(self) -> tuple[str, ...]:
        return tuple(entry.operation for entry in self.entries)

    def of(self, operation: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.operation == operation)

    def clear(self) -> None:
        self.entries.clear()
