"""Moving a store there and back: nothing is lost, and an interrupted copy goes on."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from keylease.adapters.postgres import moving as postgres_moving
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Credential
from keylease.domain.lease import Lease
from keylease.errors import BadInput, Conflict, Duplicate, KeyleaseError, Misconfigured
from keylease.ports.moving import Copy, Origin, Table, Totals
from keylease.ports.store import Batch, InboxId, Store
from keylease.runtime.copying import copied
from keylease.runtime.sections import Postgres
from keylease.runtime.settings import Settings
from keylease.runtime.stores import open_copy, open_origin, open_store
from tests.contract.store import FAR, cancelled, claimable, entry
from tests.support.build import HOUR, NOW, lease

ODD = "\x00 \x1a0 订单"
ACCOUNT = "rmq-demo/kl1"


@dataclass(frozen=True, slots=True)
class Place:
    """A store, by its address."""

    address: str

    def store(self) -> AbstractAsyncContextManager[Store]:
        return open_store(Settings(store=self.address), variables={})

    def origin(self) -> AbstractAsyncContextManager[Origin]:
        return open_origin(self.address, Settings(), variables={})

    def copy(self) -> AbstractAsyncContextManager[Copy]:
        return open_copy(self.address, Settings(), variables={})


@pytest.fixture
async def places(tmp_path: Path, postgres_url: str) -> dict[str, Place]:
    return {
        "sqlite": Place(f"sqlite:///{tmp_path}/here.db"),
        "other sqlite": Place(f"sqlite:///{tmp_path}/there.db"),
        "postgresql": Place(postgres_url),
    }


WAYS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "other sqlite")]
both_ways = pytest.mark.parametrize(("here", "there"), WAYS)


def hear(what: str, /, *, done: int, of: int) -> None:
    assert done <= of, what


async def move(here: Place, there: Place, *, page: int = 7) -> Totals | None:
    async with here.origin() as origin, there.copy() as copy:
        return await copied(origin, copy, name="here", report=hear, page=page)


async def filled(place: Place) -> None:
    """Some of everything, with gaps in the numbers."""
    async with place.store() as store:
        for n in range(20):
            subject = f"l{n}"
            await store.commit(
                Batch(
                    inbox=InboxId(f"slack/{ODD}", f"{n} {ODD}"),
                    records=(lease(subject, problem=ODD), claimable(n + 1, token_hash=f"h{n}")),
                    outgoing=(
                        cancelled(subject, id_=f"e{n}", to=f"sink:{ODD}"),
                        cancelled(subject, id_=f"e{n}"),
                    ),
                    audit=(entry("lease.approved", subject=subject),),
                )
            )
        await store.commit(Batch(records=(lease("l7", version=1, attempts=3),)))
        first, second, third, *_, last = await store.parcels(before=NOW, limit=100)
        await store.delivered(last)
        await store.postpone(first, until=NOW + HOUR)
        await store.park(second, reason=ODD, at=NOW)
        await store.delivered(third)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a store shows of itself."""

    leases: tuple[Lease, ...]
    credentials: tuple[Credential | None, ...]
    due: tuple[str, ...]
    parcels: tuple[tuple[int, str, str, int], ...]
    parked: tuple[object, ...]
    audit: tuple[AuditEntry, ...]


async def seen(place: Place) -> Seen:
    async with place.store() as store:
        parcels = await store.parcels(before=FAR, limit=100)
        due = await store.due(Lease, before=FAR, limit=100)
        return Seen(
            leases=await store.children(Lease, ACCOUNT, only_open=False),
            credentials=tuple([await store.by_handle(Credential, f"h{n}") for n in range(20)]),
            due=tuple(one.id for one in due),
            parcels=tuple(
                (p.seq, p.outgoing.event.id, p.outgoing.destination, p.attempts) for p in parcels
            ),
            parked=await store.parked(limit=100),
            audit=await store.audit(),
        )


@both_ways
async def test_everything_arrives_as_it_was(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])

    totals = await move(places[here], places[there])

    assert totals == {
        "records": 40,
        "versions": 41,
        "inbox ids": 20,
        "events": 38,
        "attempts": 1,
        "parked": 1,
        "audit entries": 20,
    }
    assert await seen(places[there]) == await seen(places[here])


@both_ways
async def test_the_copy_goes_on_where_its_origin_stopped(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    await move(places[here], places[there])

    async with places[there].store() as store:
        with pytest.raises(Duplicate):
            await store.commit(Batch(inbox=InboxId(f"slack/{ODD}", f"3 {ODD}")))
        with pytest.raises(Conflict):
            await store.commit(Batch(records=(lease("l7", version=1),)))
        newer = (lease("l7", version=2), lease("new"))
        await store.commit(Batch(records=newer, outgoing=(cancelled("new", id_="new"),)))
        (newest,) = await store.children(Lease, ACCOUNT, limit=1)
        last = (await store.parcels(before=NOW, limit=100))[-1]

    assert newest == lease("new", version=1)
    assert (last.outgoing.event.id, last.seq) == ("new", 41)


@both_ways
@pytest.mark.parametrize("pages", [0, 3, 6, 9])
async def test_an_interrupted_copy_goes_on(
    places: dict[str, Place], here: str, there: str, pages: int
) -> None:
    await filled(places[here])
    left = pages

    def pull_the_plug(what: str, /, *, done: int, of: int) -> None:
        nonlocal left
        hear(what, done=done, of=of)
        left -= 1
        if left < 0:
            raise ConnectionAbortedError

    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(places[here].origin())
        copy = await stack.enter_async_context(places[there].copy())
        with pytest.raises(ConnectionAbortedError):
            await copied(origin, copy, name="here", report=pull_the_plug, page=7)
    with pytest.raises(Misconfigured, match="the copy of here into it is not finished; run keyl"):
        await places[there].store().__aenter__()

    totals = await move(places[here], places[there])

    assert totals
    assert await seen(places[there]) == await seen(places[here])


@both_ways
async def test_a_finished_copy_is_not_made_again(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    await move(places[here], places[there])
    async with places[there].store() as store:
        await store.commit(Batch(records=(lease("later"),)))

    assert await move(places[here], places[there]) is None

    async with places[there].store() as store:
        assert await store.load(Lease, "later") == lease("later", version=1)


@both_ways
async def test_a_store_that_holds_something_else_is_left_alone(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    async with places[there].store() as store:
        await store.commit(Batch(audit=(entry("request.submitted"),)))

    with pytest.raises(BadInput, match="TO: it holds something; name an empty one"):
        await move(places[here], places[there])

    async with places[there].store() as store:
        assert await store.audit() == (entry("request.submitted"),)
        assert await store.children(Lease, ACCOUNT) == ()


@both_ways
async def test_a_copy_of_another_store_is_not_added_to(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    async with places[there].copy() as copy:
        await copy.begin("elsewhere")

    with pytest.raises(BadInput, match="it holds a copy of elsewhere; name an empty one"):
        await move(places[here], places[there])


@both_ways
async def test_an_origin_that_was_used_meanwhile_is_found(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    async with places[here].origin() as origin, places[there].copy() as copy:
        await copy.begin("here")
        rows = await origin.read(Table.RECORD, after=None, limit=100)
        await copy.write(Table.RECORD, rows)
    async with places[here].store() as store:
        await store.commit(Batch(records=(lease("l3", version=1),)))

    with pytest.raises(Conflict, match=r"40 of 40 records, 41 of 42 versions, .* copy again"):
        await move(places[here], places[there])

    with pytest.raises(Misconfigured, match="not finished"):
        await places[there].store().__aenter__()


@both_ways
async def test_an_origin_that_changed_without_a_trace_in_numbers_is_found(
    places: dict[str, Place], here: str, there: str
) -> None:
    await filled(places[here])
    async with places[here].origin() as origin, places[there].copy() as copy:
        await copy.begin("here")
        seq, *rest, body = (await origin.read(Table.RECORD, after=None, limit=1))[0]
        await copy.write(Table.RECORD, [(seq, *rest, f"{body} ")])

    with pytest.raises(Conflict, match="the target has other records: the origin was written to"):
        await move(places[here], places[there])

    with pytest.raises(Misconfigured, match="not finished"):
        await places[there].store().__aenter__()


@both_ways
async def test_half_a_copy_is_not_copied(places: dict[str, Place], here: str, there: str) -> None:
    async with places[here].copy() as half:
        await half.begin("elsewhere\x00")

    with pytest.raises(BadInput, match="FROM: the copy of elsewhere\x00 into it is not finished"):
        await move(places[here], places[there])


async def test_a_database_without_a_store_is_not_made_into_one(
    places: dict[str, Place], postgres_url: str
) -> None:
    with pytest.raises(BadInput, match=r"FROM: database test\d+ at .* holds no store of keylease"):
        await move(places["postgresql"], places["sqlite"])

    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("SELECT to_regnamespace('keylease')") is None
    await connection.close()


async def test_two_cannot_copy_from_one_database_at_once(
    places: dict[str, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_moving, "_IMPATIENT", "SET LOCAL lock_timeout = 100")
    async with places["postgresql"].store():
        pass

    async with places["postgresql"].origin():
        with pytest.raises(BadInput, match="FROM: somebody works with it, or copies it; stop"):
            await move(places["postgresql"], places["sqlite"])


@pytest.mark.parametrize("there", ["sqlite", "postgresql"])
async def test_of_two_that_fill_an_empty_store_at_once_one_may(
    places: dict[str, Place], there: str
) -> None:
    async with places[there].copy() as a, places[there].copy() as b:
        begun = await asyncio.gather(a.begin("a"), b.begin("b"), return_exceptions=True)

    assert sorted(type(one).__name__ for one in begun) == ["BadInput", "bool"]


@pytest.mark.parametrize("here", ["sqlite", "postgresql"])
async def test_nobody_writes_to_an_origin(places: dict[str, Place], here: str) -> None:
    brief = Postgres(statement_timeout=timedelta(seconds=1))
    settings = Settings(store=places[here].address, postgres=brief)
    opened = open_store(settings, variables={})

    async with opened as store, places[here].origin():
        with pytest.raises(KeyleaseError, match=r"SQLITE_BUSY|57014"):
            await store.commit(Batch(records=(lease("l"),)))


async def test_a_file_that_is_not_there_is_not_made(places: dict[str, Place]) -> None:
    with pytest.raises(BadInput, match=r"FROM: .*here\.db is not there"):
        await places["sqlite"].origin().__aenter__()
