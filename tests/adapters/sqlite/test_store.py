"""The SQLite store keeps the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keylease.adapters.sqlite.store import SqliteStore, open_sqlite
from tests.contract.store import StoreContract


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        async with open_sqlite(tmp_path / "keylease.db") as store:
            yield store
