"""Fixtures: one server for each process of the test run, a database of its own for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg
import pytest

from tests.support.postgres_programs import CannotStart
from tests.support.postgres_server import NEWEST, OLDEST, PostgresServer, postgres_server

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The shared server. A test that kills it needs one of its own."""
    yield from _running(NEWEST)


@pytest.fixture(scope="session")
def oldest_postgres() -> Iterator[PostgresServer]:
    """The same of the oldest release that the store takes."""
    yield from _running(OLDEST)


def _running(release: int) -> Iterator[PostgresServer]:
    try:
        with postgres_server(release) as server:
            yield server
    except CannotStart as e:
        pytest.fail(f"no PostgreSQL {release} for this run: {e}")


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address of an empty database."""
    async with empty_database(postgres) as url:
        yield url


@asynccontextmanager
async def empty_database(server: PostgresServer, /) -> AsyncIterator[str]:
    """A database that is dropped at the end, also when the server was started again meanwhile."""
    name = f"test{next(_numbers)}"
    await _run(server, f"CREATE DATABASE {name}")
    try:
        yield server.url(name)
    finally:
        await _run(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(server: PostgresServer, statement: str) -> None:
    admin = await asyncpg.connect(server.admin)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
