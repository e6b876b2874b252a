"""A server that is busy, hangs up or dies: what a caller is told."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from asyncpg import exceptions

from keylease.adapters.postgres import connection as connecting
from keylease.adapters.postgres.connection import Server, meaning, unanswered
from keylease.adapters.postgres.store import PostgresStore, open_postgres
from keylease.domain.lease import Lease
from keylease.errors import (
    Conflict,
    Duplicate,
    InvariantBroken,
    KeyleaseError,
    ProviderAmbiguous,
    ProviderTransient,
)
from keylease.ports.store import Batch, InboxId
from tests.support.build import NOW, lease
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import PostgresServer, postgres_server

CANARY = "canary-1b3d"


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server that a test may kill."""
    with postgres_server() as server:
        yield server


@asynccontextmanager
async def held(url: str, id_: str, /) -> AsyncIterator[None]:
    """Somebody else is in the middle of changing that lease."""
    other = await asyncpg.connect(url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM keylease.record WHERE id = $1 FOR UPDATE", id_)
            yield
    finally:
        await other.close()


async def until_waiting(url: str) -> None:
    """Until some commit waits for a lock."""
    watcher = await asyncpg.connect(url)
    try:
        for _ in range(1000):
            if await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                return
            await asyncio.sleep(0.01)
    finally:
        await watcher.close()
    pytest.fail("nothing waits")


async def test_a_commit_that_breaks_off_is_ambiguous(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)) as store:
        await store.commit(Batch(records=(lease("l"),)))
        async with held(postgres_url, "l"):
            lost = asyncio.ensure_future(store.commit(Batch(records=(lease("l", version=1),))))
            await until_waiting(postgres_url)
            await store.database.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"
            )

            with pytest.raises(ProviderAmbiguous, match=r"^postgresql: (57P01|08003)$"):
                await lost

        assert await store.load(Lease, "l") == lease("l", version=1)
        await store.commit(Batch(records=(lease("l", version=1),)))


async def test_a_commit_that_waits_too_long_is_a_passing_fault(postgres_url: str) -> None:
    brief = Server(postgres_url, statement_timeout=timedelta(milliseconds=100))
    async with open_postgres(brief) as store:
        await store.commit(Batch(records=(lease("l"),)))

        async with held(postgres_url, "l"):
            with pytest.raises(ProviderTransient, match="57014"):
                await store.commit(Batch(records=(lease("l", version=1),)))

        await store.commit(Batch(records=(lease("l", version=1),)))


async def test_no_connection_left_is_a_passing_fault(
    postgres_url: str, postgres: PostgresServer
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    async with open_postgres(Server(postgres_url)) as wide:
        await wide.commit(Batch(records=(lease("l"),)))
        await wide.database.change("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1")
        for what in ("SCHEMA keylease", "ALL TABLES IN SCHEMA keylease"):
            await wide.database.change(f"GRANT ALL ON {what} TO narrow")
        await wide.database.change("GRANT ALL ON ALL SEQUENCES IN SCHEMA keylease TO narrow")
        async with open_postgres(Server(postgres.url(name, user="narrow"))) as narrow:
            async with held(postgres_url, "l"):
                waiting = asyncio.ensure_future(
                    narrow.commit(Batch(records=(lease("l", version=1),)))
                )
                await until_waiting(postgres_url)

                with pytest.raises(ProviderTransient, match="no connection, 53300"):
                    await narrow.load(Lease, "l")
            await waiting
        await wide.database.change("DROP OWNED BY narrow")
        await wide.database.change("DROP ROLE narrow")


async def test_a_call_that_finds_all_connections_in_use_waits_for_a_while(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "PATIENCE", timedelta(milliseconds=200))
    async with open_postgres(Server(postgres_url, pool=1)) as store:
        await store.commit(Batch(records=(lease("l"),)))
        async with held(postgres_url, "l"):
            waiting = asyncio.ensure_future(store.commit(Batch(records=(lease("l", version=1),))))
            await until_waiting(postgres_url)

            with pytest.raises(ProviderTransient, match="no connection, TimeoutError"):
                await store.load(Lease, "l")
        await waiting

        assert await store.load(Lease, "l") == lease("l", version=2)


async def test_calls_that_are_broken_off_leave_no_connection_behind(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url, pool=2)) as store:
        await store.commit(Batch(records=(lease("l"),)))
        async with held(postgres_url, "l"):
            for n in range(30):
                late = store.commit(Batch(records=(lease("l", version=1),)))
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(n / 1000):
                        await late

        found = await asyncio.gather(*(store.load(Lease, "l") for _ in range(8)))
        ((connections,),) = await store.database.ask(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'keylease' AND datname = current_database()"
        )

    assert found == [lease("l", version=1)] * 8
    assert connections <= 2


async def test_a_machine_that_stands_still_is_told_from_one_that_refuses(
    mortal: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "PATIENCE", timedelta(milliseconds=300))
    monkeypatch.setattr(connecting, "LATE", timedelta(milliseconds=100))
    brief = timedelta(seconds=1)
    async with (
        empty_database(mortal) as url,
        open_postgres(Server(url, pool=1, statement_timeout=brief)) as store,
    ):
        await store.commit(Batch(records=(lease("l"),)))
        ((backend,),) = await store.database.ask("SELECT pg_backend_pid()")
        for process in (mortal.pid, backend):
            os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(ProviderAmbiguous, match="TimeoutError"):
                await store.commit(Batch(records=(lease("l", version=1),)))
            with pytest.raises(ProviderTransient, match="no connection, TimeoutError"):
                await store.commit(Batch(records=(lease("m"),)))
        finally:
            for process in (mortal.pid, backend):
                os.kill(process, signal.SIGCONT)

        await store.commit(Batch(records=(lease("m"),)))


async def growth(acknowledged: set[str]) -> None:
    """Until fifty more commits were acknowledged."""
    enough = len(acknowledged) + 50
    for _ in range(3000):
        if len(acknowledged) >= enough:
            return
        await asyncio.sleep(0.01)
    pytest.fail("no commit comes through")


async def commit_for_ever(store: PostgresStore, acknowledged: set[str], name: int) -> None:
    number = 0
    while True:
        number += 1
        id_ = f"l{name}-{number}"
        try:
            await store.commit(Batch(inbox=InboxId("test", id_), records=(lease(id_),)))
        except (ProviderAmbiguous, ProviderTransient):
            await asyncio.sleep(0.01)
        else:
            acknowledged.add(id_)


async def test_no_acknowledged_commit_is_lost_when_the_server_is_killed(
    mortal: PostgresServer,
) -> None:
    acknowledged: set[str] = set()
    async with empty_database(mortal) as url, open_postgres(Server(url, pool=4)) as store:
        writers = [asyncio.ensure_future(commit_for_ever(store, acknowledged, n)) for n in range(4)]
        for _ in range(2):
            await growth(acknowledged)
            mortal.kill()
            await asyncio.sleep(0.05)
            mortal.start()
        await growth(acknowledged)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        stored = await store.children(Lease, "rmq-demo/kl1", limit=10**6)

        with pytest.raises(Duplicate):
            await store.commit(Batch(inbox=InboxId("test", next(iter(acknowledged)))))

    assert acknowledged <= {lease.id for lease in stored}


async def test_a_dead_server_is_a_passing_fault_for_questions(mortal: PostgresServer) -> None:
    async with empty_database(mortal) as url, open_postgres(Server(url)) as store:
        await store.commit(Batch(records=(lease("l"),)))
        mortal.kill()

        with pytest.raises(ProviderTransient):
            await store.load(Lease, "l")
        with pytest.raises(ProviderTransient, match="no connection"):
            await store.parcels(before=NOW, limit=1)

        mortal.start()
        assert await store.load(Lease, "l") == lease("l", version=1)


def said(code: str, /) -> Exception:
    """What the driver raises for a code."""
    fields = {"C": code, "M": CANARY, "D": CANARY, "S": "ERROR"}
    error = exceptions.PostgresError.new(fields)
    assert isinstance(error, Exception)
    return error


MEANINGS = [
    (said("KL001"), Duplicate, Duplicate),
    (said("KL002"), Conflict, Conflict),
    (said("23505"), InvariantBroken, InvariantBroken),
    (said("40001"), ProviderTransient, ProviderTransient),
    (said("40P01"), ProviderTransient, ProviderTransient),
    (said("53300"), ProviderTransient, ProviderTransient),
    (said("53100"), ProviderTransient, ProviderTransient),
    (said("57P03"), ProviderTransient, ProviderTransient),
    (said("25006"), ProviderTransient, ProviderTransient),
    (said("57P01"), ProviderAmbiguous, ProviderTransient),
    (said("08006"), ProviderAmbiguous, ProviderTransient),
    (said("42P01"), InvariantBroken, InvariantBroken),
    (said("XX001"), InvariantBroken, InvariantBroken),
    (ConnectionResetError(CANARY), ProviderAmbiguous, ProviderTransient),
    (TimeoutError(CANARY), ProviderAmbiguous, ProviderTransient),
    (asyncpg.InterfaceError(CANARY), ProviderAmbiguous, ProviderTransient),
]


@pytest.mark.parametrize(
    ("error", "of_a_write", "of_a_question"),
    MEANINGS,
    ids=lambda value: getattr(value, "sqlstate", ""),
)
def test_each_complaint_has_its_meaning_and_is_not_repeated_in_words(
    error: Exception, of_a_write: type[KeyleaseError], of_a_question: type[KeyleaseError]
) -> None:
    written = meaning(error)

    assert type(written) is of_a_write
    if of_a_write not in {Duplicate, Conflict}:  # these words are our own
        assert type(unanswered(error)) is of_a_question
        assert CANARY not in f"{written} {unanswered(error)}"
