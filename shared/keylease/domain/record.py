"""The two bases of all data: `Value` (frozen, strict) and `Record` (a value that is stored)."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

GRACE = timedelta(seconds=5)
"""How long the event that should move a record gets before sweep steps in."""


class Value(BaseModel):
    """Frozen, strict, closed. Models build on first use, which keeps cold starts short."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    def evolve(self, **changes: Any) -> Self:  # noqa: ANN401  # fields of the subclass
        """The same value with some fields replaced."""
        return self.model_copy(update=changes)


class Record(Value):
    """A stored document. `version` is the one that was read; 0 means not stored yet.

    The four properties below are the only things that a store indexes.
    """

    kind: ClassVar[str]

    id: str
    version: int = 0

    def stored(self) -> Self:
        """As it stands after a commit of it."""
        return self.evolve(version=self.version + 1)

    @property
    def sweep_at(self) -> datetime | None:
        """When sweep must look at this record again; None: never."""
        return None

    @property
    def parent(self) -> str | None:
        """The record that this one belongs to (see `Store.children`)."""
        return None

    @property
    def handle(self) -> str | None:
        """A second unique key (see `Store.by_handle`)."""
        return None

    @property
    def is_open(self) -> bool:
        """Whether it still matters to the record that it belongs to."""
        return True
