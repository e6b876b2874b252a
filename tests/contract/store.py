"""What every store promises: subclass `StoreContract` and give it a fixture `store`."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from keylease.adapters.system.clock import SystemClock
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Claim, Credential
from keylease.domain.events import Event, RequestCancelled
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.request import Request, RequestStatus
from keylease.errors import Conflict, Duplicate, InvariantBroken
from keylease.ports.store import Batch, InboxId, Outgoing, Parcel, Store
from tests.support.build import HOUR, NOW, account, credential, lease, request

FAR = NOW + timedelta(days=365)
INBOX = InboxId(source="slack/T1", key="delivery-1")


def cancelled(subject: str, /, *, id_: str, to: str = "function:notify") -> Outgoing:
    """An event about `subject` on its way to `to`."""
    event = Event.of(RequestCancelled(request_id=subject), id=id_, time=NOW)
    return Outgoing(event=event, destination=to)


def entry(action: str, /, *, subject: str = "req-1") -> AuditEntry:
    return AuditEntry(at=NOW, action=action, subject=subject, actor="ana", detail={"n": 1})


def claimable(number: int, /, *, token_hash: str) -> Credential:
    claim = Claim(token_hash=token_hash, issued_at=NOW, claim_by=NOW + HOUR)
    return credential(number, claim=claim)


async def ids_of(store: Store, /, *, before: datetime = FAR) -> list[str]:
    """Event ids that the relay would see now."""
    found = await store.parcels(before=before, limit=100)
    return [parcel.outgoing.event.id for parcel in found]


async def only_parcel(store: Store, /) -> Parcel:
    (parcel,) = await store.parcels(before=FAR, limit=10)
    return parcel


class RecordContract:
    """Records, versions and look-ups."""

    async def test_a_committed_record_comes_back_with_the_next_version(self, store: Store) -> None:
        await store.commit(Batch(records=(request("req-1"),)))

        assert await store.load(Request, "req-1") == request("req-1", version=1)

    async def test_what_was_never_stored_is_none(self, store: Store) -> None:
        assert await store.load(Request, "req-1") is None

    async def test_two_kinds_may_have_the_same_id(self, store: Store) -> None:
        await store.commit(Batch(records=(request("same"), lease("same"))))

        assert await store.load(Request, "same") == request("same", version=1)
        assert await store.load(Lease, "same") == lease("same", version=1)
        assert await store.load(Account, "same") is None

    async def test_an_update_replaces_the_record(self, store: Store) -> None:
        await store.commit(Batch(records=(lease("l"),)))

        await store.commit(Batch(records=(lease("l", version=1, attempts=3),)))

        assert await store.load(Lease, "l") == lease("l", version=2, attempts=3)

    @pytest.mark.parametrize("version", [0, 1, 3])
    async def test_another_version_is_a_conflict(self, store: Store, version: int) -> None:
        await store.commit(Batch(records=(lease("l"),)))
        await store.commit(Batch(records=(lease("l", version=1),)))

        with pytest.raises(Conflict):
            await store.commit(Batch(records=(lease("l", version=version, attempts=9),)))

        assert await store.load(Lease, "l") == lease("l", version=2)

    async def test_an_update_of_what_is_not_there_is_a_conflict(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await store.commit(Batch(records=(lease("l", version=1),)))

        assert await store.load(Lease, "l") is None

    async def test_a_guard_that_changed_is_a_conflict(self, store: Store) -> None:
        await store.commit(Batch(records=(account(),)))
        await store.commit(Batch(records=(account(version=1),)))

        with pytest.raises(Conflict):
            await store.commit(Batch(records=(lease("l"),), guards=(account(version=1),)))

        assert await store.load(Lease, "l") is None

    async def test_a_guard_is_checked_and_not_written(self, store: Store) -> None:
        await store.commit(Batch(records=(account(),)))

        await store.commit(Batch(records=(lease("l"),), guards=(account(version=1, epoch=77),)))

        assert await store.load(Account, "rmq-demo/kl1") == account(version=1)

    async def test_a_guard_may_say_that_nothing_is_there(self, store: Store) -> None:
        await store.commit(Batch(records=(lease("l"),), guards=(account(),)))
        await store.commit(Batch(records=(account(),)))

        with pytest.raises(Conflict):
            await store.commit(Batch(records=(lease("m"),), guards=(account(),)))

        assert await store.load(Lease, "m") is None

    async def test_a_record_may_be_guarded_and_written_at_once(self, store: Store) -> None:
        await store.commit(Batch(records=(account(),), guards=(account(),)))

        assert await store.load(Account, "rmq-demo/kl1") == account(version=1)

    async def test_one_commit_names_a_record_once(self) -> None:
        with pytest.raises(InvariantBroken):
            Batch(records=(lease("l"), lease("l", version=1)))

    async def test_any_text_comes_back_as_it_was(self, store: Store) -> None:
        words = "订单 'or 1=1; -- \x00 \u200d🔑 \\ %"
        await store.commit(Batch(records=(lease(words, problem=words),)))

        assert await store.load(Lease, words) == lease(words, version=1, problem=words)

    async def test_children_come_newest_first(self, store: Store) -> None:
        await store.commit(Batch(records=(lease("b"), lease("c"))))
        await store.commit(Batch(records=(lease("a"), lease("elsewhere", username="kl2"))))
        await store.commit(Batch(records=(lease("b", version=1),)))

        found = await store.children(Lease, "rmq-demo/kl1")

        assert [child.id for child in found] == ["a", "c", "b"]

    async def test_children_that_are_over_are_left_out_unless_asked_for(self, store: Store) -> None:
        over = lease("old", status=LeaseStatus.ENDED)
        await store.commit(Batch(records=(lease("first"), over, lease("last"))))
        await store.commit(Batch(records=(lease("last", version=1, status=LeaseStatus.FAILED),)))

        still_open = await store.children(Lease, "rmq-demo/kl1")
        family = await store.children(Lease, "rmq-demo/kl1", only_open=False)

        assert [child.id for child in still_open] == ["first"]
        assert [child.id for child in family] == ["last", "old", "first"]

    @pytest.mark.parametrize("only_open", [True, False])
    async def test_children_are_no_more_than_asked_for(self, store: Store, only_open: bool) -> None:
        await store.commit(Batch(records=(lease("a"), lease("b"), lease("c"))))

        found = await store.children(Lease, "rmq-demo/kl1", only_open=only_open, limit=2)

        assert [child.id for child in found] == ["c", "b"]

    async def test_children_are_of_one_kind(self, store: Store) -> None:
        await store.commit(Batch(records=(lease("l"), credential())))

        assert await store.children(Lease, "rmq-demo/kl1") == (lease("l", version=1),)
        assert await store.children(Credential, "rmq-demo/kl1") == (credential(version=1),)

    async def test_a_handle_finds_its_record(self, store: Store) -> None:
        await store.commit(Batch(records=(claimable(1, token_hash="aa"), credential(2))))

        found = await store.by_handle(Credential, "aa")

        assert found == claimable(1, token_hash="aa").stored()
        assert await store.by_handle(Credential, "bb") is None
        assert await store.by_handle(Lease, "aa") is None

    async def test_a_changed_handle_replaces_the_old_one(self, store: Store) -> None:
        await store.commit(Batch(records=(claimable(1, token_hash="aa"),)))
        renewed = claimable(1, token_hash="bb").evolve(version=1)

        await store.commit(Batch(records=(renewed,)))

        assert await store.by_handle(Credential, "aa") is None
        assert await store.by_handle(Credential, "bb") == renewed.stored()

    async def test_a_handle_that_is_gone_finds_nothing_and_may_be_used_again(
        self, store: Store
    ) -> None:
        await store.commit(Batch(records=(claimable(1, token_hash="aa"),)))
        await store.commit(Batch(records=(credential(1, version=1),)))

        assert await store.by_handle(Credential, "aa") is None

        await store.commit(Batch(records=(claimable(2, token_hash="aa"),)))
        assert await store.by_handle(Credential, "aa") == claimable(2, token_hash="aa").stored()

    async def test_a_handle_of_another_record_stops_the_commit(self, store: Store) -> None:
        await store.commit(Batch(records=(claimable(1, token_hash="aa"),)))

        with pytest.raises(InvariantBroken):
            await store.commit(Batch(records=(lease("l"), claimable(2, token_hash="aa"))))

        assert await store.load(Lease, "l") is None
        assert await store.by_handle(Credential, "aa") == claimable(1, token_hash="aa").stored()

    async def test_two_records_of_one_commit_do_not_share_a_handle(self, store: Store) -> None:
        twins = (claimable(1, token_hash="aa"), claimable(2, token_hash="aa"))

        with pytest.raises(InvariantBroken):
            await store.commit(Batch(records=twins))

        assert await store.by_handle(Credential, "aa") is None


class DueContract:
    """What sweep finds."""

    async def test_what_is_due_comes_earliest_first(self, store: Store) -> None:
        late, early = NOW + 3 * HOUR, NOW + HOUR
        await store.commit(
            Batch(
                records=(
                    _active("late", not_after=late),
                    _active("early", not_after=early),
                    _active("middle", not_after=NOW + 2 * HOUR),
                )
            )
        )

        found = await store.due(Lease, before=late, limit=10)

        assert [record.id for record in found] == ["early", "middle", "late"]

    async def test_an_instant_itself_is_due_and_the_next_is_not(self, store: Store) -> None:
        exactly = datetime(2026, 3, 29, 1, 2, 3, 456789, tzinfo=UTC)
        await store.commit(Batch(records=(_active("l", not_after=exactly),)))

        just_before = await store.due(Lease, before=exactly - timedelta(microseconds=1), limit=10)
        just_then = await store.due(Lease, before=exactly, limit=10)

        assert just_before == ()
        assert [record.id for record in just_then] == ["l"]

    async def test_instants_of_other_zones_mean_the_same(self, store: Store) -> None:
        shanghai = timezone(timedelta(hours=8))
        await store.commit(
            Batch(records=(_active("l", not_after=datetime(2026, 5, 1, 8, tzinfo=shanghai)),))
        )

        assert (
            await store.due(Lease, before=datetime(2026, 4, 30, 23, 59, tzinfo=UTC), limit=1) == ()
        )
        assert await store.due(Lease, before=datetime(2026, 5, 1, 0, 0, tzinfo=UTC), limit=1)

    async def test_no_more_than_asked_for_and_of_one_kind(self, store: Store) -> None:
        await store.commit(Batch(records=(request("r"), _active("a"), _active("b"), _active("c"))))

        found = await store.due(Lease, before=FAR, limit=2)

        assert [record.id for record in found] == ["a", "b"]

    async def test_what_is_over_is_never_due(self, store: Store) -> None:
        await store.commit(Batch(records=(_active("l"), request("r"))))
        over = _active("l", version=1, status=LeaseStatus.ENDED)
        answered = request("r", version=1, status=RequestStatus.DENIED)

        await store.commit(Batch(records=(over, answered)))

        assert await store.due(Lease, before=FAR, limit=10) == ()
        assert await store.due(Request, before=FAR, limit=10) == ()

    async def test_a_changed_instant_moves_the_record(self, store: Store) -> None:
        await store.commit(Batch(records=(_active("l", not_after=NOW + 5 * HOUR),)))

        await store.commit(Batch(records=(_active("l", version=1, not_after=NOW),)))

        assert len(await store.due(Lease, before=NOW, limit=10)) == 1


class CommitContract:
    """All or nothing, once."""

    async def test_the_same_message_again_is_a_duplicate(self, store: Store) -> None:
        await store.commit(Batch(inbox=INBOX, records=(request("req-1"),)))

        with pytest.raises(Duplicate):
            await store.commit(
                Batch(
                    inbox=INBOX,
                    records=(request("req-2"),),
                    outgoing=(cancelled("req-2", id_="e"),),
                    audit=(entry("request.submitted"),),
                )
            )

        assert await store.load(Request, "req-2") is None
        assert await ids_of(store) == []
        assert await store.audit() == ()

    async def test_a_duplicate_is_said_before_a_conflict(self, store: Store) -> None:
        await store.commit(Batch(inbox=INBOX, records=(request("req-1"),)))

        with pytest.raises(Duplicate):
            await store.commit(Batch(inbox=INBOX, records=(request("req-1"),)))

    async def test_the_same_key_of_another_source_is_another_message(self, store: Store) -> None:
        await store.commit(Batch(inbox=INBOX))

        await store.commit(Batch(inbox=replace(INBOX, source="slack/T2"), records=(lease("l"),)))

        assert await store.load(Lease, "l") is not None

    async def test_a_conflict_leaves_nothing_behind(self, store: Store) -> None:
        lost = Batch(
            inbox=INBOX,
            records=(lease("new"), lease("l", version=4)),
            outgoing=(cancelled("req-1", id_="e"),),
            audit=(entry("lease.approved"),),
        )

        with pytest.raises(Conflict):
            await store.commit(lost)

        assert await store.load(Lease, "new") is None
        assert await ids_of(store) == []
        assert await store.audit() == ()
        await store.commit(replace(lost, records=(lease("new"),)))  # the message was not used up

    async def test_of_many_writers_of_one_version_one_wins(self, store: Store) -> None:
        await store.commit(Batch(records=(lease("l"),)))
        tries = [Batch(records=(lease("l", version=1, attempts=n),)) for n in range(64)]

        results = await asyncio.gather(*map(store.commit, tries), return_exceptions=True)

        lost = [result for result in results if isinstance(result, Conflict)]
        (winner,) = (n for n, result in enumerate(results) if result is None)
        assert len(lost) == 63
        assert await store.load(Lease, "l") == lease("l", version=2, attempts=winner)

    async def test_of_many_deliveries_of_one_message_one_counts(self, store: Store) -> None:
        tries = [Batch(inbox=INBOX, records=(lease(f"l{n}"),)) for n in range(64)]

        results = await asyncio.gather(*map(store.commit, tries), return_exceptions=True)

        assert sum(isinstance(result, Duplicate) for result in results) == 63
        assert len(await store.children(Lease, "rmq-demo/kl1")) == 1

    async def test_a_lost_commit_takes_no_other_with_it(self, store: Store) -> None:
        good = [Batch(records=(lease(f"l{n}"),)) for n in range(20)]
        bad = [Batch(records=(lease(f"x{n}"), lease("x", version=9))) for n in range(20)]
        mixed = [batch for pair in zip(bad, good, strict=True) for batch in pair]

        results = await asyncio.gather(*map(store.commit, mixed), return_exceptions=True)

        assert [type(result) for result in results] == [Conflict, type(None)] * 20
        found = await store.children(Lease, "rmq-demo/kl1")
        assert sorted(child.id for child in found) == sorted(f"l{n}" for n in range(20))

    async def test_a_cancelled_caller_stops_nobody_else(self, store: Store) -> None:
        tasks = [
            asyncio.ensure_future(store.commit(Batch(records=(lease(f"l{n}"),)))) for n in range(8)
        ]
        await asyncio.sleep(0)
        tasks[3].cancel()

        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert [result for n, result in enumerate(results) if n != 3] == [None] * 7
        await store.commit(Batch(records=(lease("after"),)))
        assert await store.load(Lease, "after") is not None

    async def test_audit_entries_come_oldest_first(self, store: Store) -> None:
        first, other = entry("request.submitted"), entry("lease.ended", subject="lease-9")
        await store.commit(Batch(audit=(first, other)))
        await store.commit(Batch(audit=(entry("request.approved"),)))

        assert await store.audit() == (first, other, entry("request.approved"))
        assert await store.audit(subject="req-1") == (first, entry("request.approved"))
        assert await store.audit(limit=1) == (first,)
        assert await store.audit(subject="req-1", limit=1) == (first,)

    async def test_inbox_ids_are_forgotten_when_they_are_old(self, store: Store) -> None:
        now = SystemClock().now()
        await store.commit(Batch(inbox=INBOX, audit=(entry("request.submitted"),)))
        await store.commit(Batch(records=(lease("l"),), outgoing=(cancelled("l", id_="e1"),)))

        young = await store.prune(before=now - HOUR, limit=100)
        with pytest.raises(Duplicate):
            await store.commit(Batch(inbox=INBOX))
        old = await store.prune(before=now + HOUR, limit=100)
        await store.commit(Batch(inbox=INBOX))

        assert (young, old) == (0, 1)
        assert await store.load(Lease, "l") is not None
        assert await store.audit() == (entry("request.submitted"),)
        assert await ids_of(store) == ["e1"]

    async def test_inbox_ids_are_forgotten_in_slices(self, store: Store) -> None:
        for n in range(5):
            await store.commit(Batch(inbox=replace(INBOX, key=f"delivery-{n}")))

        later = SystemClock().now() + HOUR
        slices = [await store.prune(before=later, limit=2) for _ in range(4)]

        assert slices == [2, 2, 1, 0]


class OutboxContract:
    """Parcels: order per lane, retries, and what is set aside."""

    async def test_events_come_in_the_order_of_their_commits(self, store: Store) -> None:
        await store.commit(
            Batch(outgoing=(cancelled("req-2", id_="e1"), cancelled("req-1", id_="e2")))
        )
        await store.commit(Batch(outgoing=(cancelled("req-0", id_="e3"),)))

        found = await store.parcels(before=NOW, limit=10)

        assert [parcel.outgoing.event.id for parcel in found] == ["e1", "e2", "e3"]
        assert [parcel.seq for parcel in found] == sorted({parcel.seq for parcel in found})
        assert found[0].outgoing == cancelled("req-2", id_="e1")
        assert found[0].attempts == 0

    async def test_a_lane_shows_only_its_earliest(self, store: Store) -> None:
        await store.commit(
            Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-1", id_="e2")))
        )

        first = await only_parcel(store)
        await store.delivered(first)
        second = await only_parcel(store)
        await store.delivered(second)

        assert [p.outgoing.event.id for p in (first, second)] == ["e1", "e2"]
        assert await ids_of(store) == []

    async def test_lanes_that_wait_are_counted(self, store: Store) -> None:
        events = [cancelled(f"req-{n % 3}", id_=f"e{n}") for n in range(9)]
        await store.commit(Batch(outgoing=tuple(events)))
        late, parked, _ = await store.parcels(before=NOW, limit=10)

        await store.postpone(late, until=NOW + HOUR)
        await store.park(parked, reason="refused", at=NOW)

        assert await store.lanes(before=NOW, limit=10) == 2
        assert await store.lanes(before=FAR, limit=10) == 3
        assert await store.lanes(before=FAR, limit=1) == 1

    async def test_destinations_do_not_wait_for_each_other(self, store: Store) -> None:
        twice = (
            cancelled("req-1", id_="e1", to="sink:bus"),
            cancelled("req-1", id_="e1", to="function:notify"),
        )
        await store.commit(Batch(outgoing=twice))

        found = await store.parcels(before=NOW, limit=10)

        assert [parcel.outgoing for parcel in found] == list(twice)

    async def test_a_postponed_parcel_holds_its_lane_back(self, store: Store) -> None:
        events = [cancelled("req-1", id_="e1"), cancelled("req-1", id_="e2")]
        await store.commit(Batch(outgoing=(*events, cancelled("req-2", id_="e3"))))
        first = (await store.parcels(before=NOW, limit=10))[0]

        await store.postpone(first, until=NOW + HOUR)

        assert await ids_of(store, before=NOW + HOUR - timedelta(microseconds=1)) == ["e3"]
        again = (await store.parcels(before=NOW + HOUR, limit=10))[0]
        assert again == replace(first, attempts=1)

    async def test_every_postponing_counts(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        for _ in range(3):
            await store.postpone(await only_parcel(store), until=NOW)

        assert (await only_parcel(store)).attempts == 3

    async def test_a_parked_parcel_lets_its_lane_go_on(self, store: Store) -> None:
        events = (cancelled("req-1", id_="e1"), cancelled("req-1", id_="e2"))
        await store.commit(Batch(outgoing=events))
        first = await only_parcel(store)
        await store.postpone(first, until=NOW)

        await store.park(first, reason="no such sink", at=NOW)

        assert await ids_of(store) == ["e2"]
        (parked,) = await store.parked(limit=10)
        assert parked.parcel == replace(first, attempts=1)
        assert (parked.reason, parked.at) == ("no such sink", NOW)

    async def test_parked_parcels_come_in_the_order_of_parking(self, store: Store) -> None:
        events = tuple(cancelled(f"req-{n}", id_=f"e{n}") for n in range(3))
        await store.commit(Batch(outgoing=events))
        a, b, c = await store.parcels(before=NOW, limit=10)

        for parcel, at in ((b, NOW), (c, NOW + HOUR), (a, NOW + 2 * HOUR)):
            await store.park(parcel, reason="refused", at=at)

        found = await store.parked(limit=10)
        assert [parked.parcel.outgoing.event.id for parked in found] == ["e1", "e2", "e0"]
        assert await store.parked(limit=2) == found[:2]

    async def test_a_commit_forgets_the_parcel_that_caused_it(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        await store.commit(
            Batch(
                inbox=InboxId("function:decide", "e1"),
                outgoing=(cancelled("req-1", id_="e2"),),
                delivers=await only_parcel(store),
            )
        )

        assert await ids_of(store) == ["e2"]

    @pytest.mark.parametrize("inbox", [None, InboxId("function:decide", "e1")])
    async def test_a_refused_commit_keeps_its_parcel(
        self, store: Store, inbox: InboxId | None
    ) -> None:
        await store.commit(Batch(inbox=inbox, outgoing=(cancelled("req-1", id_="e1"),)))
        parcel = await only_parcel(store)

        with pytest.raises((Duplicate, Conflict)):
            await store.commit(
                Batch(inbox=inbox, records=(lease("l", version=7),), delivers=parcel)
            )

        assert await only_parcel(store) == parcel

    async def test_a_commit_leaves_a_parked_parcel_parked(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        parcel = await only_parcel(store)
        await store.park(parcel, reason="refused", at=NOW)

        await store.commit(Batch(delivers=parcel))

        assert [parked.parcel for parked in await store.parked(limit=10)] == [parcel]

    async def test_what_is_done_with_a_forgotten_parcel_is_harmless(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        parcel = await only_parcel(store)
        await store.delivered(parcel)

        await store.delivered(parcel)
        await store.postpone(parcel, until=NOW)
        await store.park(parcel, reason="late", at=NOW)

        assert await ids_of(store) == []
        assert await store.parked(limit=10) == ()

    async def test_what_is_parked_stays_parked(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        parcel = await only_parcel(store)
        await store.park(parcel, reason="refused", at=NOW)

        await store.delivered(parcel)
        await store.postpone(parcel, until=NOW)
        await store.park(parcel, reason="again", at=NOW + HOUR)

        (parked,) = await store.parked(limit=10)
        assert (parked.reason, parked.parcel.attempts) == ("refused", 0)

    async def test_what_is_unparked_is_tried_again_from_the_start(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        parcel = await only_parcel(store)
        await store.postpone(parcel, until=NOW + HOUR)
        await store.park(parcel, reason="refused", at=NOW)

        await store.unpark(parcel)
        await store.unpark(parcel)

        assert await store.parked(limit=10) == ()
        assert await only_parcel(store) == parcel

    async def test_an_event_that_waits_is_not_stored_again(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        await store.commit(
            Batch(outgoing=(cancelled("req-1", id_="e1"), cancelled("req-2", id_="e2")))
        )

        assert await ids_of(store) == ["e1", "e2"]
        await store.delivered((await store.parcels(before=NOW, limit=10))[0])
        assert await ids_of(store) == ["e2"]

    async def test_an_event_that_is_parked_is_not_stored_again(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        await store.park(await only_parcel(store), reason="refused", at=NOW)

        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        assert await ids_of(store) == []

    async def test_a_delivered_number_is_never_given_again(self, store: Store) -> None:
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        old = await only_parcel(store)
        await store.delivered(old)
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e2"),)))

        await store.delivered(old)

        assert (await only_parcel(store)).seq > old.seq

    async def test_no_more_parcels_than_asked_for(self, store: Store) -> None:
        events = tuple(cancelled(f"req-{n}", id_=f"e{n}") for n in range(5))
        await store.commit(Batch(outgoing=events))

        found = await store.parcels(before=NOW, limit=3)

        assert [parcel.outgoing.event.id for parcel in found] == ["e0", "e1", "e2"]


class StoreContract(RecordContract, DueContract, CommitContract, OutboxContract):
    """All of it."""


def _active(id_: str, **fields: object) -> Lease:
    return lease(id_, **({"status": LeaseStatus.ACTIVE} | fields))
