"""The PostgreSQL store keeps the contract."""

from collections.abc import AsyncIterator

import pytest

from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import PostgresStore, open_postgres
from tests.contract.store import StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncIterator[PostgresStore]:
        async with open_postgres(Server(postgres_url)) as store:
            yield store
