"""The SQLite store agrees with the model, whatever is called in whatever order."""

from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings

from keylease.adapters.sqlite.store import open_sqlite
from keylease.ports.store import Store
from tests.contract.store_machine import StoreMachine


class SqliteMachine(StoreMachine):
    async def enter(self, stack: AsyncExitStack) -> Store:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        return await stack.enter_async_context(open_sqlite(folder / "keylease.db"))


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
