"""Any order of calls: a store against a plain model of what it should hold."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.record import Record
from keylease.errors import Conflict, Duplicate, KeyleaseError
from keylease.ports.store import Batch, InboxId, Outgoing, Store
from tests.contract.store import cancelled, claimable, entry
from tests.support.build import NOW, lease

LATER = NOW + timedelta(days=1)
NAMES = ("a", "b", "c")
PARENTS = ("rmq-demo/kl1", "rmq-demo/kl2")

minutes = st.integers(0, 5).map(lambda n: NOW + timedelta(minutes=n))
versions = st.sampled_from(["right", "right", "right", "old", "new"])


@st.composite
def leases(draw: st.DrawFn) -> Lease:
    return lease(
        draw(st.sampled_from(NAMES)),
        username=draw(st.sampled_from(("kl1", "kl2"))),
        status=draw(st.sampled_from([LeaseStatus.ACTIVE, LeaseStatus.ENDED])),
        not_after=draw(minutes),
    )


@st.composite
def credentials(draw: st.DrawFn) -> Credential:
    """The token hash follows from the number, so that no two records share one."""
    number = draw(st.integers(1, 3))
    fresh = claimable(number, token_hash=f"{number}-{draw(st.integers(0, 2))}")
    return fresh if draw(st.booleans()) else fresh.evolve(claim=None)


@dataclass
class Waiting:
    outgoing: Outgoing
    attempts: int = 0
    not_before: datetime = NOW

    @property
    def lane(self) -> tuple[str, str]:
        return (self.outgoing.destination, self.outgoing.event.subject)


@dataclass
class Model:
    """What should be there, written down in the plainest way."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    inbox: set[InboxId] = field(default_factory=set)
    outbox: list[Waiting] = field(default_factory=list)
    parked: list[tuple[Waiting, str, datetime]] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)

    def commit(self, batch: Batch) -> type[KeyleaseError] | None:
        if batch.inbox in self.inbox:
            return Duplicate
        for record in (*batch.guards, *batch.records):
            if record.version != self.version(record):
                return Conflict
        if batch.inbox:
            self.inbox.add(batch.inbox)
        self.records |= {(r.kind, r.id): r.stored() for r in batch.records}
        for outgoing in batch.outgoing:
            self._post(outgoing)
        self.audit += batch.audit
        return None

    def version(self, record: Record) -> int:
        found = self.records.get((record.kind, record.id))
        return found.version if found else 0

    def heads(self, before: datetime) -> list[Waiting]:
        lanes: dict[tuple[str, str], Waiting] = {}
        for waiting in self.outbox:
            lanes.setdefault(waiting.lane, waiting)
        return [waiting for waiting in lanes.values() if waiting.not_before <= before]

    def _post(self, outgoing: Outgoing) -> None:
        known = [w.outgoing for w in (*self.outbox, *(parked for parked, _, _ in self.parked))]
        if not any(
            (o.event.id, o.destination) == (outgoing.event.id, outgoing.destination) for o in known
        ):
            self.outbox.append(Waiting(outgoing))


class StoreMachine(RuleBasedStateMachine):
    """Subclass it with `enter`, which makes an empty store that lives until teardown."""

    async def enter(self, stack: AsyncExitStack) -> Store:
        raise NotImplementedError

    def run(self, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """On the loop of this machine."""
        return self.runner.run(_call(work, args, named))

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store: Store = self.run(self.enter, self.stack)
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.stack.aclose)
            self.runner.close()

    @rule(
        records=st.lists(st.one_of(leases(), credentials()), max_size=3, unique_by=lambda r: r.id),
        guards=st.lists(leases(), max_size=1),
        ages=st.lists(versions, min_size=4, max_size=4),
        inbox=st.none()
        | st.sampled_from([InboxId("s", "1"), InboxId("s", "2"), InboxId("t", "1")]),
        events=st.lists(
            st.tuples(st.sampled_from("xyz"), st.integers(1, 9), st.sampled_from("fs")), max_size=3
        ),
        words=st.lists(st.sampled_from(["request.approved", "lease.ended"]), max_size=2),
    )
    def commit(
        self,
        *,
        records: list[Record],
        guards: list[Record],
        ages: list[str],
        inbox: InboxId | None,
        events: list[tuple[str, int, str]],
        words: list[str],
    ) -> None:
        aged = [self._aged(r, age) for r, age in zip([*records, *guards], ages, strict=False)]
        batch = Batch(
            inbox=inbox,
            records=tuple(aged[: len(records)]),
            guards=tuple(aged[len(records) :]),
            outgoing=tuple(
                cancelled(subject, id_=f"{subject}{number}", to=f"function:{to}")
                for subject, number, to in events
            ),
            audit=tuple(entry(action, subject=action[:3]) for action in words),
        )
        expected = self.model.commit(batch)
        try:
            self.run(self.store.commit, batch)
        except (Conflict, Duplicate) as e:
            assert type(e) is expected  # noqa: PT017  # what was raised is the answer
        else:
            assert expected is None

    @precondition(lambda self: self.model.outbox)
    @rule(
        pick=st.integers(0, 20),
        what=st.sampled_from(["delivered", "answered", "postpone", "park"]),
        at=minutes,
    )
    def relay(self, pick: int, what: str, at: datetime) -> None:
        heads = self.model.heads(LATER)
        waiting = heads[pick % len(heads)]
        parcel = self.run(self.store.parcels, before=LATER, limit=100)[heads.index(waiting)]
        match what:
            case "delivered":
                self.run(self.store.delivered, parcel)
                self.model.outbox.remove(waiting)
            case "answered":
                self.run(self.store.commit, Batch(delivers=parcel))
                self.model.outbox.remove(waiting)
            case "postpone":
                self.run(self.store.postpone, parcel, until=at)
                waiting.attempts += 1
                waiting.not_before = at
            case "park":
                self.run(self.store.park, parcel, reason="why", at=at)
                self.model.outbox.remove(waiting)
                self.model.parked.append((waiting, "why", at))

    @invariant()
    def records_are_there(self) -> None:
        for (kind, id_), record in self.model.records.items():
            assert (
                self.run(self.store.load, Lease if kind == "lease" else Credential, id_) == record
            )

    @rule(parent=st.sampled_from(PARENTS), only_open=st.booleans(), limit=st.integers(1, 4))
    def children(self, parent: str, only_open: bool, limit: int) -> None:
        family = [
            record
            for record in self._all(Lease)
            if record.parent == parent and (record.is_open or not only_open)
        ]
        found = self.run(self.store.children, Lease, parent, only_open=only_open, limit=limit)
        assert list(found) == family[::-1][:limit]

    @rule(number=st.integers(1, 3), turn=st.integers(0, 2))
    def by_handle(self, number: int, turn: int) -> None:
        handle = f"{number}-{turn}"
        holders = [record for record in self._all(Credential) if record.handle == handle]
        found = self.run(self.store.by_handle, Credential, handle)
        assert ([found] if found else []) == holders

    @rule(before=minutes, limit=st.integers(1, 4))
    def due(self, before: datetime, limit: int) -> None:
        late = [r for r in self._all(Lease) if r.sweep_at is not None and r.sweep_at <= before]
        late.sort(key=lambda record: record.sweep_at or NOW)
        assert list(self.run(self.store.due, Lease, before=before, limit=limit)) == late[:limit]

    @rule(before=minutes, limit=st.integers(1, 4))
    def parcels(self, before: datetime, limit: int) -> None:
        found = self.run(self.store.parcels, before=before, limit=limit)
        heads = self.model.heads(before)[:limit]
        assert [(p.outgoing, p.attempts) for p in found] == [
            (w.outgoing, w.attempts) for w in heads
        ]
        assert [p.seq for p in found] == sorted({p.seq for p in found})
        assert self.run(self.store.lanes, before=before, limit=limit) == len(heads)

    @rule()
    def parked(self) -> None:
        found = self.run(self.store.parked, limit=100)
        expected = sorted(self.model.parked, key=lambda parked: parked[2])
        assert sorted((p.parcel.outgoing.event.id, p.at) for p in found) == sorted(
            (waiting.outgoing.event.id, at) for waiting, _, at in expected
        )
        assert [p.at for p in found] == [at for _, _, at in expected]

    @rule()
    def audit(self) -> None:
        assert list(self.run(self.store.audit)) == self.model.audit
        lease_lines = [line for line in self.model.audit if line.subject == "lea"]
        assert list(self.run(self.store.audit, subject="lea")) == lease_lines

    def _all(self, kind: type[Record]) -> list[Record]:
        return [record for record in self.model.records.values() if isinstance(record, kind)]

    def _aged(self, record: Record, age: str) -> Record:
        right = self.model.version(record)
        return record.evolve(version=max(0, right + {"right": 0, "old": -1, "new": 1}[age]))


async def _call(work: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return await work(*args, **named)
