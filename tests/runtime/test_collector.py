"""runtime/collector.py: the garbage collector during a start and after it."""

import gc
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from keylease.runtime.collector import uncollected


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_on else gc.disable)()


async def test_nothing_is_collected_during_a_start_and_its_yield_is_left_alone_afterwards() -> None:
    gc.enable()
    async with AsyncExitStack() as stack:
        with uncollected(stack):
            assert not gc.isenabled()

        assert gc.isenabled()
        assert gc.get_freeze_count() > 0

    assert gc.get_freeze_count() == 0


async def test_a_start_that_fails_leaves_the_collector_on() -> None:
    gc.enable()

    async def start() -> None:
        async with AsyncExitStack() as stack:
            with uncollected(stack):
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await start()

    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


async def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()

    async with AsyncExitStack() as stack:
        with uncollected(stack):
            pass

        assert not gc.isenabled()
