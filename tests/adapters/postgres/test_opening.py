"""What a database must be like to be used, and what is said when it is not."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from keylease.adapters.postgres import migrate as migrating
from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.migrate import FOLDER, migrate
from keylease.adapters.postgres.store import open_postgres
from keylease.adapters.sqlite.migrate import FOLDER as SQLITE_FOLDER
from keylease.domain.lease import Lease
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, Misconfigured
from keylease.ports.migrations import Migration, migrations
from keylease.ports.store import Batch
from tests.contract.store import cancelled
from tests.support.build import lease
from tests.support.postgres_server import GUARDED, PostgresServer

CANARY = "canary-77aa-password"


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def refusal(server: Server) -> str:
    with pytest.raises(Misconfigured) as caught:
        await open_postgres(server).__aenter__()
    return str(caught.value)


async def test_what_was_stored_is_there_when_it_is_opened_again(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)) as store:
        await store.commit(Batch(records=(lease("l"),)))

    async with open_postgres(Server(postgres_url)) as store:
        assert await store.load(Lease, "l") == lease("l", version=1)


async def test_it_says_what_it_is(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)) as store:
        said = await store.describe()

    assert re.fullmatch(r"PostgreSQL 18\.\d+, schema 3, test\d+, [1-9]\d* connections .*", said)


async def test_dangers_are_told(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)) as store:
        assert await store.dangers() == (
            "fsync is off: a power cut loses commits; turn it on and restart the server",
            "full_page_writes is off: a power cut may tear pages; turn it on",
            "its user is a superuser; give it a role of its own",
        )


async def test_a_right_that_is_missing_is_told_by_its_name(
    postgres_url: str, postgres: PostgresServer
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    async with open_postgres(Server(postgres_url)):
        await run(
            postgres_url,
            "CREATE ROLE reader LOGIN",
            "GRANT USAGE ON SCHEMA keylease TO reader",
            "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA keylease TO reader",
            "GRANT ALL ON keylease.outbox, keylease.inbox TO reader",
            "GRANT USAGE ON SEQUENCE keylease.worker TO reader",
        )

    async with open_postgres(Server(postgres.url(name, user="reader"))) as store:
        *_, said = await store.dangers()
        with pytest.raises(InvariantBroken, match="42501; its user lacks a right, run keylease do"):
            await store.commit(Batch(outgoing=(cancelled("req-1", id_="e1"),)))

    await run(postgres_url, "DROP OWNED BY reader", "DROP ROLE reader")
    assert said == (
        "its user lacks UPDATE on keylease.record, USAGE on keylease.outbox_seq_seq; "
        "run: GRANT … TO that user"
    )


async def test_many_processes_may_start_on_an_empty_database(postgres_url: str) -> None:
    async def started(n: int) -> int:
        async with open_postgres(Server(postgres_url, pool=2)) as store:
            await store.commit(Batch(records=(lease(f"l{n}"),)))
            return store.worker

    workers = await asyncio.gather(*map(started, range(8)))

    assert sorted(workers) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_both_databases_have_the_same_migrations() -> None:
    ours = [(one.number, one.name) for one in migrations(FOLDER)]

    assert ours == [(one.number, one.name) for one in migrations(SQLITE_FOLDER)]


async def test_a_database_of_a_newer_version_is_refused(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)):
        pass
    await run(postgres_url, "INSERT INTO keylease.migration VALUES (99, 'from_the_future', 'x')")

    said = await refusal(Server(postgres_url))

    assert said.startswith("database test")
    assert "schema 99" in said
    assert "start the newer keylease again" in said


async def test_a_changed_migration_is_refused(postgres_url: str) -> None:
    async with open_postgres(Server(postgres_url)):
        pass
    await run(postgres_url, "UPDATE keylease.migration SET checksum = 'x' WHERE number = 1")

    assert "0001_first differs" in await refusal(Server(postgres_url))


async def test_a_migration_that_fails_leaves_nothing_behind(postgres_url: str) -> None:
    broken = Migration(number=1, name="broken", sql="CREATE TABLE keylease.half (n int); NONSENSE;")
    connection = await asyncpg.connect(postgres_url)

    with pytest.raises(asyncpg.PostgresSyntaxError):
        await migrate(connection, known=(broken,))

    assert await connection.fetchval("SELECT to_regnamespace('keylease')") is None
    await connection.close()


async def test_migrations_run_in_order_and_once(postgres_url: str) -> None:
    first = Migration(number=1, name="first", sql="CREATE TABLE keylease.one (n integer);")
    second = Migration(number=2, name="second", sql="ALTER TABLE keylease.one ADD m integer")
    connection = await asyncpg.connect(postgres_url)

    for known in ((first,), (first, second), (first, second)):
        await migrate(connection, known=known)

    rows = await connection.fetch("SELECT number, name FROM keylease.migration ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "first"), (2, "second")]
    assert await connection.fetch("SELECT n, m FROM keylease.one") == []
    await connection.close()


def test_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    original = migrations(FOLDER)[0]
    copy = tmp_path / "0001_first.sql"
    copy.write_bytes(original.sql.replace("\n", "\r\n").encode())

    assert Migration.read(copy).checksum == original.checksum


async def test_another_programs_schema_is_left_alone(postgres_url: str) -> None:
    await run(postgres_url, "CREATE SCHEMA keylease", "CREATE TABLE keylease.theirs (n integer)")

    said = await refusal(Server(postgres_url))

    assert said.endswith("its schema keylease belongs to another program; name another database")


async def test_a_schema_that_was_made_for_us_is_used(postgres_url: str) -> None:
    await run(postgres_url, "CREATE SCHEMA keylease")

    async with open_postgres(Server(postgres_url)) as store:
        assert await store.audit() == ()


async def test_a_database_that_forgets_commits_is_refused(
    postgres_url: str, postgres: PostgresServer
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    await run(postgres.admin, f"ALTER DATABASE {name} SET synchronous_commit = off")

    assert "it forgets commits in a power cut" in await refusal(Server(postgres_url))


async def test_a_database_of_another_encoding_is_refused(postgres: PostgresServer) -> None:
    await run(
        postgres.admin, "CREATE DATABASE ascii ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0"
    )

    assert "it keeps text as SQL_ASCII; make a database with" in await refusal(
        Server(postgres.url("ascii"))
    )


def test_an_old_server_is_refused() -> None:
    state = {"version": 15, "encoding": "UTF8", "synchronous": "on"}

    with pytest.raises(Misconfigured, match="it is PostgreSQL 15; use 16 or later"):
        migrating._check_server(state)


async def test_a_missing_database_is_said(postgres: PostgresServer) -> None:
    said = await refusal(Server(postgres.url("nowhere")))

    assert said == (
        "database nowhere at the local socket: there is no such database (3D000); "
        "make it with createdb"
    )


async def test_a_server_that_does_not_run_is_said() -> None:
    said = await refusal(Server("postgresql://k@127.0.0.1:1/keylease"))

    assert said.startswith("database keylease at 127.0.0.1:1: it cannot be used (")
    assert said.endswith("; see that it runs, and check the store's address")


@pytest.mark.parametrize("password", [Secret("canary-77aa-wrong"), Secret(CANARY)])
async def test_a_password_is_asked_for_and_never_shown(
    postgres_url: str, postgres: PostgresServer, password: Secret
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    await run(
        postgres_url,
        f"DROP ROLE IF EXISTS {GUARDED}",
        f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{CANARY}'",
        f"CREATE SCHEMA keylease AUTHORIZATION {GUARDED}",
    )
    server = Server(postgres.url(name, user=GUARDED), password=password)

    if password.reveal() == CANARY:
        async with open_postgres(server) as store:
            assert await store.audit() == ()
            shown = repr(store)
        await run(postgres_url, f"DROP OWNED BY {GUARDED} CASCADE")
    else:
        shown = await refusal(server)
        assert "user or password is refused (28P01); see postgres.password" in shown
        await run(postgres_url, f"DROP OWNED BY {GUARDED} CASCADE")

    assert "canary" not in f"{shown} {server!r}"


async def test_a_user_without_rights_is_told_what_is_missing(
    postgres_url: str, postgres: PostgresServer
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    await run(postgres_url, "CREATE ROLE poor LOGIN")

    said = await refusal(Server(postgres.url(name, user="poor")))

    await run(postgres_url, "DROP ROLE poor")
    assert "the user may not make tables (42501)" in said
