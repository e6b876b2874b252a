"""The memory store keeps the contract."""

import pytest

from keylease.adapters.memory.store import MemoryStore
from keylease.adapters.system.clock import SystemClock
from tests.contract.store import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(SystemClock().now)
