"""A clock that only a test moves."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Keeps `ports.clock.Clock`."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC), /) -> None:
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta, /) -> datetime:
        """Let time pass; returns the new now."""
        self._now += by
        return self._now

    def set(self, now: datetime, /) -> None:
        """Jump there, also backwards."""
        self._now = now.astimezone(UTC)
