"""The machine's clock keeps the contract and agrees with the machine."""

from datetime import UTC, datetime, timedelta

import pytest

from keylease.adapters.system.clock import SystemClock
from tests.contract.clock import ClockContract


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()


def test_it_is_the_machines_time() -> None:
    machine = datetime.now(UTC)  # noqa: TID251  # what it is compared with

    assert abs(SystemClock().now() - machine) < timedelta(seconds=5)
