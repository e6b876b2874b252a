"""What a file must be like to be used, and what is said when it is not."""

import asyncio
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from keylease.adapters.sqlite import migrate as migrating
from keylease.adapters.sqlite.connection import claim, connect
from keylease.adapters.sqlite.migrate import FOLDER, migrate
from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.lease import Lease
from keylease.errors import Misconfigured
from keylease.ports.migrations import Migration, migrations
from keylease.ports.store import Batch
from tests.support.build import lease


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keylease.db"


async def test_a_new_file_is_for_its_owner_only(path: Path) -> None:
    async with open_sqlite(path) as store:
        await store.commit(Batch(records=(lease(),)))

        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("keylease.db*")}

    assert modes == {0o600}


async def test_what_was_stored_is_there_when_it_is_opened_again(path: Path) -> None:
    async with open_sqlite(str(path)) as store:
        await store.commit(Batch(records=(lease("l"),)))

    async with open_sqlite(path) as store:
        assert await store.load(Lease, "l") == lease("l", version=1)


async def test_commits_wait_for_the_disk(path: Path) -> None:
    async with open_sqlite(path) as store:
        settings = [
            store.writer.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert settings == ["wal", 2, 1]


async def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    async with open_sqlite(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("INSERT INTO migration VALUES (7, 'from_the_future', 'x')")

    with pytest.raises(
        Misconfigured, match=r"keylease.db: .*schema 7.*knows only 3.*newer keylease"
    ):
        await open_sqlite(path).__aenter__()


async def test_a_changed_migration_is_refused(path: Path) -> None:
    async with open_sqlite(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE migration SET checksum = 'x'")

    with pytest.raises(
        Misconfigured, match=r"0001_first differs .* a change needs a new migration"
    ):
        await open_sqlite(path).__aenter__()


def test_a_migration_that_fails_leaves_nothing_behind(path: Path) -> None:
    broken = Migration(number=1, name="broken", sql="CREATE TABLE half (n INTEGER);\nNONSENSE;")
    with closing(connect(path)) as db:
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, known=(broken,))

        assert db.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


def test_migrations_run_in_order_and_once(path: Path) -> None:
    first = Migration(number=1, name="first", sql="CREATE TABLE one (n INTEGER);\n")
    second = Migration(number=2, name="second", sql="ALTER TABLE one\n  ADD COLUMN m INTEGER;\n")
    with closing(connect(path)) as db:
        migrate(db, known=(first,))
        migrate(db, known=(first, second))
        migrate(db, known=(first, second))

        columns = [row[1] for row in db.execute("PRAGMA table_info(one)")]
        applied = db.execute("SELECT number, name FROM migration").fetchall()

    assert columns == ["n", "m"]
    assert applied == [(1, "first"), (2, "second")]


def test_a_last_statement_needs_no_semicolon(path: Path) -> None:
    careless = Migration(number=1, name="careless", sql="CREATE TABLE one (n INTEGER)")
    with closing(connect(path)) as db:
        migrate(db, known=(careless,))

        assert db.execute("SELECT count(*) FROM one").fetchone() == (0,)


def test_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    original = migrations(FOLDER)[0]
    copy = tmp_path / "0001_first.sql"
    copy.write_bytes(original.sql.replace("\n", "\r\n").encode())

    assert Migration.read(copy) == original
    assert Migration.read(copy).checksum == original.checksum


async def test_another_programs_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (n INTEGER)")

    with pytest.raises(Misconfigured, match=r"another program's database; name another file"):
        await open_sqlite(path).__aenter__()

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("rules: []\n" * 100)

    with pytest.raises(Misconfigured, match=r"cannot be used .* name another file"):
        asyncio.run(open_sqlite(path).__aenter__())  # noqa: TID251  # outside of a loop, to read the file

    assert path.read_text() == "rules: []\n" * 100


async def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="the folder must exist and be writable"):
        await open_sqlite(tmp_path / "nowhere" / "keylease.db").__aenter__()


async def test_an_old_library_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))

    with pytest.raises(Misconfigured, match="too old"):
        await open_sqlite(path).__aenter__()


async def test_a_file_that_another_process_holds_is_said(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Misconfigured, match="another process holds it"):
            await open_sqlite(path, patience=0.05).__aenter__()


def test_a_disk_without_wal_is_said() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as db,
        pytest.raises(Misconfigured, match="use a local disk"),
    ):
        claim(db)


async def test_many_processes_may_start_on_a_new_file_at_once(path: Path) -> None:
    async def start(n: int) -> None:
        async with open_sqlite(path) as store:
            await store.commit(Batch(records=(lease(f"l{n}"),)))

    await asyncio.gather(*map(start, range(6)))

    async with open_sqlite(path) as store:
        assert len(await store.children(Lease, "rmq-demo/kl1")) == 6


async def test_it_waits_for_another_process_that_just_makes_the_file(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # SQLite refuses a switch to WAL at once meanwhile
        asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")

        async with open_sqlite(path) as store:
            assert await store.load(Lease, "l") is None


def test_every_migration_of_the_folder_is_read(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "0001_first.sql", tmp_path / "0002_second.sql")
    shutil.copy(FOLDER / "0001_first.sql", tmp_path / "0001_first.sql")

    assert [each.number for each in migrations(tmp_path)] == [1, 2]
    assert migrating.FOLDER == FOLDER
