"""A store's rows as they are, for whoever moves them to another one; nobody else needs them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

Cell = str | int | None
Row = tuple[Cell, ...]
Totals = Mapping[str, int]
"""What is counted, by name; of two stores with the same rows it is equal."""


class Table(StrEnum):
    """What there is to move, in this order."""

    RECORD = "record"
    INBOX = "inbox"
    OUTBOX = "outbox"
    AUDIT = "audit"

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS[self]

    @property
    def key(self) -> tuple[str, ...]:
        """The first columns: what orders the rows, and stands in no two of them."""
        return ("seq",) if self.is_numbered else ("source", "key")

    @property
    def is_numbered(self) -> bool:
        """Whether its rows have numbers, which are given once."""
        return self is not Table.INBOX


COLUMNS: Mapping[Table, tuple[str, ...]] = {
    Table.RECORD: (
        *("seq", "kind", "id", "version", "is_open"),
        *("sweep_at", "parent", "handle", "body"),
    ),
    Table.INBOX: ("source", "key", "at"),
    Table.OUTBOX: (
        *("seq", "event_id", "destination", "subject", "body"),
        *("attempts", "not_before", "parked_at", "reason"),
    ),
    Table.AUDIT: ("seq", "subject", "body"),
}


class Rows(Protocol):
    """Either side of a move."""

    async def totals(self) -> Totals:
        """What it holds."""
        ...

    async def read(self, table: Table, /, *, after: Row | None, limit: int) -> Sequence[Row]:
        """The rows whose key is greater, in the order of keys; None: from the first."""
        ...


class Origin(Rows, Protocol):
    """A store that is read. While it is open, nobody writes to it."""

    async def counters(self) -> Mapping[Table, int]:
        """The last number that each table with numbers has given, also to rows that are gone."""
        ...


class Copy(Rows, Protocol):
    """A store that is filled. It does not open as a store before `finish`."""

    async def begin(self, origin: str, /) -> bool:
        """Whether there is something to do: False after a finished copy from there.

        Raises:
            BadInput: it holds something else.
        """
        ...

    async def last(self, table: Table, /) -> int:
        """The greatest number in a table with numbers; 0: none. All smaller ones are there too."""
        ...

    async def write(self, table: Table, rows: Sequence[Row], /) -> None:
        """Add rows, all or none; those that are there already stay as they are."""
        ...

    async def finish(self, counters: Mapping[Table, int], /) -> None:
        """Go on counting where the origin does, and be a store."""
        ...
