"""The PostgreSQL store agrees with the model, whatever is called in whatever order."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import ClassVar

import pytest
from hypothesis import settings

from keylease.adapters.postgres.connection import Server
from keylease.adapters.postgres.store import open_postgres
from keylease.ports.store import Store
from tests.contract.store_machine import StoreMachine
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import PostgresServer


class PostgresMachine(StoreMachine):
    server: ClassVar[PostgresServer]

    async def enter(self, stack: AsyncExitStack) -> Store:
        url = await stack.enter_async_context(empty_database(self.server))
        return await stack.enter_async_context(open_postgres(Server(url)))


@pytest.fixture(autouse=True)
def running(postgres: PostgresServer) -> Iterator[None]:
    PostgresMachine.server = postgres
    yield
    del PostgresMachine.server


TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
