"""A store in plain dictionaries; it keeps documents, not objects, so that nothing is shared."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from keylease.domain.audit import AuditEntry
from keylease.domain.record import Record
from keylease.domain.rows import RecordRow, instant, micros, record_row
from keylease.errors import Conflict, Duplicate, InvariantBroken
from keylease.ports.store import Batch, InboxId, Outgoing, Parcel, Parked, R

_Key = tuple[str, str]
_NEVER_OLD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Lying:
    """A parcel with the instant before which it is not tried."""

    parcel: Parcel
    not_before: int


class MemoryStore:
    """Keeps `ports.store.Store`. Every call yields to the loop once, as a real store would.

    Without a clock nothing in it grows old.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: _NEVER_OLD, /) -> None:
        self._now = now
        self._rows: dict[_Key, RecordRow] = {}
        self._handles: dict[_Key, str] = {}
        self._inbox: dict[InboxId, datetime] = {}
        self._outbox: dict[int, _Lying] = {}
        self._parked: dict[int, Parked] = {}
        self._known: set[_Key] = set()
        self._audit: list[str] = []
        self._seq = 0

    async def load(self, kind: type[R], id: str, /) -> R | None:  # the port's word
        await asyncio.sleep(0)
        row = self._rows.get((kind.kind, id))
        return kind.model_validate_json(row.body) if row else None

    async def children(
        self, kind: type[R], parent: str, /, *, only_open: bool = True, limit: int = 1000
    ) -> tuple[R, ...]:
        await asyncio.sleep(0)
        rows = [
            row
            for row in reversed(self._rows.values())
            if row.kind == kind.kind and row.parent == parent and (row.is_open or not only_open)
        ]
        return _read(kind, rows[:limit])

    async def by_handle(self, kind: type[R], handle: str, /) -> R | None:
        await asyncio.sleep(0)
        id_ = self._handles.get((kind.kind, handle))
        return None if id_ is None else await self.load(kind, id_)

    async def due(self, kind: type[R], /, *, before: datetime, limit: int) -> tuple[R, ...]:
        await asyncio.sleep(0)
        found = [
            (row.sweep_at, row)
            for row in self._rows.values()
            if row.kind == kind.kind and row.sweep_at is not None and row.sweep_at <= micros(before)
        ]
        found.sort(key=lambda pair: pair[0])
        return _read(kind, [row for _, row in found[:limit]])

    async def commit(self, batch: Batch, /) -> None:
        await asyncio.sleep(0)
        if batch.inbox in self._inbox:
            raise Duplicate(batch.inbox.key)
        self._check_versions((*batch.guards, *batch.records))
        rows = [record_row(record) for record in batch.records]
        self._check_handles(rows)
        if batch.inbox is not None:
            self._inbox[batch.inbox] = self._now()
        for row in rows:
            self._put(row)
        for outgoing in batch.outgoing:
            self._post(outgoing)
        self._audit.extend(entry.model_dump_json() for entry in batch.audit)
        if batch.delivers is not None:
            self._forget(batch.delivers)

    async def parcels(self, *, before: datetime, limit: int) -> tuple[Parcel, ...]:
        await asyncio.sleep(0)
        heads = [lying for lying in self._heads() if lying.not_before <= micros(before)]
        return tuple(lying.parcel for lying in heads[:limit])

    async def lanes(self, *, before: datetime, limit: int) -> int:
        return len(await self.parcels(before=before, limit=limit))

    async def delivered(self, parcel: Parcel, /) -> None:
        await asyncio.sleep(0)
        self._forget(parcel)

    async def postpone(self, parcel: Parcel, /, *, until: datetime) -> None:
        await asyncio.sleep(0)
        lying = self._outbox.get(parcel.seq)
        if lying is not None:
            tried = replace(lying.parcel, attempts=lying.parcel.attempts + 1)
            self._outbox[parcel.seq] = _Lying(parcel=tried, not_before=micros(until))

    async def park(self, parcel: Parcel, /, *, reason: str, at: datetime) -> None:
        await asyncio.sleep(0)
        lying = self._outbox.pop(parcel.seq, None)
        if lying is not None:
            at = instant(micros(at))
            self._parked[parcel.seq] = Parked(parcel=lying.parcel, reason=reason, at=at)

    async def parked(self, *, limit: int) -> tuple[Parked, ...]:
        await asyncio.sleep(0)
        oldest = sorted(self._parked.values(), key=lambda p: (p.at, p.parcel.seq))
        return tuple(oldest[:limit])

    async def unpark(self, parcel: Parcel, /) -> None:
        await asyncio.sleep(0)
        found = self._parked.pop(parcel.seq, None)
        if found is not None:
            again = replace(found.parcel, attempts=0)
            self._outbox[parcel.seq] = _Lying(parcel=again, not_before=0)

    async def prune(self, *, before: datetime, limit: int) -> int:
        await asyncio.sleep(0)
        old = sorted((at, n, id_) for n, (id_, at) in enumerate(self._inbox.items()) if at < before)
        for *_, id_ in old[:limit]:
            del self._inbox[id_]
        return len(old[:limit])

    async def audit(
        self, *, subject: str | None = None, limit: int = 1000
    ) -> tuple[AuditEntry, ...]:
        await asyncio.sleep(0)
        entries = (AuditEntry.model_validate_json(body) for body in self._audit)
        return tuple(e for e in entries if subject in (None, e.subject))[:limit]

    def _check_versions(self, records: Iterable[Record]) -> None:
        for record in records:
            row = self._rows.get((record.kind, record.id))
            version = row.version if row else 0
            if version != record.version:
                msg = f"{record.kind} {record.id} is at version {version}, not {record.version}"
                raise Conflict(msg)

    def _check_handles(self, rows: Iterable[RecordRow]) -> None:
        taken = dict[_Key, str]()
        for row in rows:
            if row.handle is None:
                continue
            key = (row.kind, row.handle)
            holder = self._handles.get(key) or taken.setdefault(key, row.id)
            if holder != row.id:
                msg = f"{row.kind} {row.id} has the handle of another {row.kind}"
                raise InvariantBroken(msg)

    def _put(self, row: RecordRow) -> None:
        before = self._rows.get((row.kind, row.id))
        if before is not None and before.handle is not None:
            del self._handles[row.kind, before.handle]
        if row.handle is not None:
            self._handles[row.kind, row.handle] = row.id
        self._rows[row.kind, row.id] = row

    def _post(self, outgoing: Outgoing) -> None:
        if _name(outgoing) in self._known:
            return
        self._seq += 1
        self._known.add(_name(outgoing))
        parcel = Parcel(seq=self._seq, outgoing=outgoing, attempts=0)
        self._outbox[self._seq] = _Lying(parcel=parcel, not_before=0)

    def _forget(self, parcel: Parcel) -> None:
        if self._outbox.pop(parcel.seq, None) is not None:
            self._known.discard(_name(parcel.outgoing))

    def _heads(self) -> Iterator[_Lying]:
        lanes = set[_Key]()
        for _, lying in sorted(self._outbox.items()):
            outgoing = lying.parcel.outgoing
            lane = (outgoing.destination, outgoing.event.subject)
            if lane not in lanes:
                lanes.add(lane)
                yield lying


def _name(outgoing: Outgoing) -> _Key:
    return (outgoing.event.id, outgoing.destination)


def _read(kind: type[R], rows: Iterable[RecordRow]) -> tuple[R, ...]:
    return tuple(kind.model_validate_json(row.body) for row in rows)
