"""A commit elsewhere wakes the relay here, as long as there is a connection; and only then."""

import asyncio
from datetime import timedelta

import asyncpg

from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.hints import listening
from keylease.adapters.postgres.store import open_postgres
from keylease.ports.store import Batch
from tests.contract.store import cancelled
from tests.support.build import lease


async def heard(woken: asyncio.Event, /, *, within: float = 10) -> bool:
    try:
        async with asyncio.timeout(within):
            await woken.wait()
    except TimeoutError:
        return False
    woken.clear()
    return True


async def test_a_commit_elsewhere_wakes_whoever_listens(postgres_url: str) -> None:
    woken, server = asyncio.Event(), Server(postgres_url)
    async with open_postgres(server, wake=woken.set), open_postgres(server) as elsewhere:
        assert await heard(woken)  # what was said before it listened

        await elsewhere.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        assert await heard(woken)


async def test_a_commit_that_leaves_nothing_to_deliver_wakes_nobody(postgres_url: str) -> None:
    woken, server = asyncio.Event(), Server(postgres_url)
    async with open_postgres(server, wake=woken.set), open_postgres(server) as elsewhere:
        await heard(woken)

        await elsewhere.commit(Batch(records=(lease("l"),)))

        assert not await heard(woken, within=0.3)


async def test_what_is_unparked_wakes_too(postgres_url: str) -> None:
    woken, server = asyncio.Event(), Server(postgres_url)
    async with open_postgres(server) as elsewhere:
        await elsewhere.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
        event = cancelled("req-1", id_="e1").event
        (parcel,) = await elsewhere.parcels(before=event.time, limit=1)
        await elsewhere.park(parcel, reason="refused", at=event.time)
        await asyncio.sleep(0.1)
        async with listening(server, woken.set):
            await heard(woken)

            await elsewhere.unpark(parcel)

            assert await heard(woken)


async def test_a_hint_holds_no_payload(postgres_url: str) -> None:
    said = asyncio.Queue[str]()
    async with open_postgres(Server(postgres_url)) as store:
        connection = await asyncpg.connect(postgres_url)
        await connection.add_listener(
            "keylease_outbox", lambda *words: said.put_nowait(str(words[-1]))
        )

        await store.commit(Batch(outgoing=(cancelled("req-canary", id_="e1"),)))

        async with asyncio.timeout(10):
            assert await said.get() == ""
        await connection.close()


async def test_whoever_lost_the_connection_listens_again(postgres_url: str) -> None:
    woken, server = asyncio.Event(), Server(postgres_url)
    soon = timedelta(milliseconds=50)
    async with open_postgres(server) as store, listening(server, woken.set, again=soon):
        assert await heard(woken)
        await store.database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )

        assert await heard(woken)  # it looks for what it has missed
        await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

        assert await heard(woken)
