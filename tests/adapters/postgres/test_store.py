"""The PostgreSQL store keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import PostgresStore, open_postgres
from tests.contract.store import StoreContract
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import PostgresServer


class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncIterator[PostgresStore]:
        async with open_postgres(Server(postgres_url)) as store:
            yield store


class TestOldestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, oldest_postgres: PostgresServer) -> AsyncIterator[PostgresStore]:
        async with empty_database(oldest_postgres) as url, open_postgres(Server(url)) as store:
            yield store
