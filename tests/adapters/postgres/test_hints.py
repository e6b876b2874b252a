"""A commit elsewhere wakes the relay here, as long as there is a connection; and only then."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import pytest

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.postgres import hints
from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.hints import listening
from keylease.adapters.postgres.store import open_postgres
from keylease.domain.events import Event
from keylease.ports.store import Batch, Store
from keylease.runtime import relay as relaying
from keylease.runtime.process import Commits, Process, Router
from keylease.runtime.relay import Relay
from tests.contract.store import cancelled
from tests.support.build import NOW, lease
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import postgres_server

LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE query IN ('LISTEN "keylease_outbox"', 'SELECT 1') AND datname = current_database()
"""


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


async def test_whoever_listened_to_a_killed_server_listens_to_the_next() -> None:
    woken, soon = asyncio.Event(), timedelta(milliseconds=50)
    with postgres_server() as mortal:
        async with (
            empty_database(mortal) as url,
            open_postgres(Server(url)) as store,
            listening(Server(url), woken.set, again=soon),
        ):
            assert await heard(woken)

            mortal.kill()
            assert not await heard(woken, within=0.2)
            mortal.start()

            assert await heard(woken)  # it looks for what it has missed
            await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
            assert await heard(woken)


async def test_a_line_that_went_dead_without_a_word_is_left(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "LATE", timedelta(milliseconds=200))
    woken, soon, server = asyncio.Event(), timedelta(milliseconds=50), Server(postgres_url)
    async with (
        open_postgres(server) as store,
        listening(server, woken.set, again=soon, beat=soon),
    ):
        assert await heard(woken)
        ((frozen,),) = await store.database.ask(LISTENERS)
        os.kill(frozen, signal.SIGSTOP)
        try:
            assert await heard(woken)  # over another connection
            await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))
            assert await heard(woken)
        finally:
            os.kill(frozen, signal.SIGCONT)


@dataclass
class Receiver:
    """A sink that remembers."""

    seen: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, event: Event, /) -> None:
        self.seen.append(event.id)
        self.came.set()


@asynccontextmanager
async def relayed(store: Store, wake: asyncio.Event) -> AsyncIterator[Receiver]:
    """Another process that delivers from this store."""
    receiver = Receiver()
    commits = Commits(store=store, clock=ManualClock(NOW), ids=SeededIds(), router=Router())
    process = Process(commits=commits, functions={}, sinks={"bus": receiver})
    async with asyncio.TaskGroup() as group:
        relay = Relay(process=process, wake=wake)
        task = group.create_task(relay.run(until=asyncio.Event()))
        yield receiver
        task.cancel()


async def test_a_relay_elsewhere_delivers_at_once_and_not_at_its_next_look(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "IDLE", timedelta(hours=1))
    wake, server = asyncio.Event(), Server(postgres_url)
    async with (
        open_postgres(server) as ours,
        open_postgres(server, wake=wake.set) as elsewhere,
        relayed(elsewhere, wake) as receiver,
    ):
        for number in range(3):
            event = cancelled("req-1", id_=f"e{number}", to="sink:bus")
            await ours.commit(Batch(outgoing=(event,)))

            assert await heard(receiver.came)

    assert receiver.seen == ["e0", "e1", "e2"]


async def test_a_relay_that_hears_no_hint_delivers_at_its_next_look(postgres_url: str) -> None:
    deaf, server = asyncio.Event(), Server(postgres_url)
    async with (
        open_postgres(server) as ours,
        open_postgres(server) as elsewhere,
        relayed(elsewhere, deaf) as receiver,
    ):
        await ours.commit(Batch(outgoing=(cancelled("req-1", id_="e1", to="sink:bus"),)))

        assert await heard(receiver.came)
