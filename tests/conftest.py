"""What every test runs under."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _idle_loop() -> Iterator[None]:
    """One loop for pytest-asyncio to put back between tests.

    Without it the plugin asks for the current loop, which makes one that nobody closes; whichever
    test runs when it is collected then fails with a ResourceWarning.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
