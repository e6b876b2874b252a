"""Ids of this machine: ordered, whatever its clock does, and unique over processes."""

from datetime import UTC, datetime, timedelta

import pytest

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.system.clock import SystemClock
from keylease.adapters.system.ids import SystemIds
from tests.contract.ids import IdsContract


class TestSystemIds(IdsContract):
    @pytest.fixture
    def ids(self) -> SystemIds:
        return SystemIds(SystemClock())


def test_the_time_can_be_read_off_an_id() -> None:
    ids = SystemIds(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))

    assert ids.new("lease").startswith("lease-01kdvdna00")


def test_ids_go_on_while_the_clock_stands_or_goes_back() -> None:
    clock = ManualClock()
    ids = SystemIds(clock)

    made = [ids.new("lease")]
    made.append(ids.new("lease"))
    clock.advance(timedelta(hours=-1))
    made.append(ids.new("lease"))
    clock.advance(timedelta(hours=2))
    made.append(ids.new("lease"))

    assert made == sorted(set(made))


def test_a_full_counter_borrows_from_the_next_millisecond() -> None:
    ids = SystemIds(ManualClock())
    before = ids.new("lease")
    ids._count = 32**4 - 2

    made = [before, *(ids.new("lease") for _ in range(3))]

    assert made == sorted(set(made))


def test_two_processes_do_not_meet() -> None:
    clock = ManualClock()
    one, other = SystemIds(clock), SystemIds(clock)

    made = {ids.new("lease") for ids in (one, other) for _ in range(10_000)}

    assert len(made) == 20_000
