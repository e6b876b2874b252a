"""The store: the one truth. Narrow on purpose, so that two databases can keep one promise."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event
from keylease.domain.record import Record
from keylease.errors import InvariantBroken

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class InboxId:
    """What makes receiving once: a source and a key that a re-sent message keeps."""

    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event on its way to one destination (`function:<name>` or `sink:<name>`)."""

    event: Event
    destination: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A stored `Outgoing`, as the relay sees it."""

    seq: int
    """Grows with every commit: the order of events. 0: somebody else keeps it, not the outbox."""
    outgoing: Outgoing
    attempts: int


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that needs a person."""

    parcel: Parcel
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """All or nothing.

    Each record carries the version that was read (0: must not exist yet) and is stored with the
    next one. `guards` were read and must still have that version, but are not written.
    A record stands in a batch once. The parcel that `delivers` names is forgotten with it: what it
    brought about is what the batch writes.
    """

    inbox: InboxId | None = None
    records: tuple[Record, ...] = ()
    guards: tuple[Record, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    delivers: Parcel | None = None

    def __post_init__(self) -> None:
        if len({(record.kind, record.id) for record in self.records}) != len(self.records):
            msg = "one commit writes the same record twice; merge the changes first"
            raise InvariantBroken(msg)


class Store(Protocol):
    """Every adapter passes tests/contract/store.py."""

    async def load(self, kind: type[R], id: str, /) -> R | None:
        """The record, or None."""
        ...

    async def children(
        self, kind: type[R], parent: str, /, *, only_open: bool = True, limit: int = 1000
    ) -> tuple[R, ...]:
        """Records of that parent, the one stored last for the first time comes first.

        By default only those with `is_open`.
        """
        ...

    async def by_handle(self, kind: type[R], handle: str, /) -> R | None:
        """The record with that handle (unique per kind), or None."""
        ...

    async def due(self, kind: type[R], /, *, before: datetime, limit: int) -> tuple[R, ...]:
        """Records whose `sweep_at` is at or before `before`, earliest first.

        As fast among a million records as among a thousand.
        """
        ...

    async def commit(self, batch: Batch, /) -> None:
        """Make all of it durable, or nothing.

        When this returns, a power cut does not undo it. An event that waits for its destination,
        or was parked on the way there, is not stored a second time under the same id.

        Raises:
            Duplicate: the inbox id is there already (nothing was written). Said before Conflict.
            Conflict: a record or guard has another version (nothing was written).
            InvariantBroken: a handle belongs to another record (nothing was written).
            ProviderTransient: the database is busy or full (nothing was written).
            ProviderAmbiguous: it is unknown whether it was written; load again.
        """
        ...

    async def parcels(self, *, before: datetime, limit: int) -> tuple[Parcel, ...]:
        """Undelivered parcels that may be tried now, in order.

        At most one per (destination, subject): the earliest, so that order is kept; while that one
        waits for its retry, later ones of the same lane are not returned. Where several processes
        deliver, it is the caller's for a while: only who is about to deliver asks.
        """
        ...

    async def lanes(self, *, before: datetime, limit: int) -> int:
        """How many lanes have a parcel that may be tried now, whoever has it in hand.

        It counts to `limit`. Unlike `parcels` it only looks.
        """
        ...

    async def delivered(self, parcel: Parcel, /) -> None:
        """Forget a parcel; already forgotten is success."""
        ...

    async def postpone(self, parcel: Parcel, /, *, until: datetime) -> None:
        """Try it again later; counts the attempt."""
        ...

    async def park(self, parcel: Parcel, /, *, reason: str, at: datetime) -> None:
        """Set it aside for a person; its lane goes on without it."""
        ...

    async def parked(self, *, limit: int) -> tuple[Parked, ...]:
        """What was set aside, the one set aside first comes first."""
        ...

    async def unpark(self, parcel: Parcel, /) -> None:
        """Let it be tried again at once, its attempts counted anew; not parked is success."""
        ...

    async def prune(self, *, before: datetime, limit: int) -> int:
        """Forget the oldest inbox ids, at most `limit` of those written before then, in one go.

        Their age is by the store's own clock. Returns how many it forgot. Nothing else is ever
        pruned.
        """
        ...

    async def audit(
        self, *, subject: str | None = None, limit: int = 1000
    ) -> tuple[AuditEntry, ...]:
        """Audit entries, oldest first."""
        ...


@runtime_checkable
class Described(Protocol):
    """A store that can say what it is, for a person who looks after it."""

    async def describe(self) -> str:
        """Which database, of which version, with which schema."""
        ...

    async def dangers(self) -> tuple[str, ...]:
        """What of its settings and rights endangers what it holds, and what to do about it."""
        ...
