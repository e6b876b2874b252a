"""What every adapter of `Clock` promises: subclass `ClockContract` with fixture `clock`."""

from datetime import timedelta

from keylease.ports.clock import Clock


class ClockContract:
    def test_now_is_aware_and_in_utc(self, clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)
        assert clock.now().tzname() == "UTC"

    def test_time_does_not_run_backwards_by_itself(self, clock: Clock) -> None:
        seen = [clock.now() for _ in range(100)]

        assert seen == sorted(seen)
