"""The memory store agrees with the model, whatever is called in whatever order."""

from contextlib import AsyncExitStack

from hypothesis import settings

from keylease.adapters.memory.store import MemoryStore
from keylease.ports.store import Store
from tests.contract.store_machine import StoreMachine


class MemoryMachine(StoreMachine):
    async def enter(self, stack: AsyncExitStack) -> Store:
        del stack
        return MemoryStore()


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
