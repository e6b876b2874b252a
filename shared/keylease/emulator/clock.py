"""The emulator's own clock: wall time plus what a test has jumped."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

Delay = Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=1))]
"""A duration that no arithmetic on dates can overflow."""


def wall_clock() -> datetime:
    return datetime.now(UTC)  # a program of its own, outside keylease's ports


class EmulatorClock:
    """Read by every part of the emulator; `advance` moves all of them together."""

    def __init__(self, source: Callable[[], datetime] = wall_clock) -> None:
        self._source = source
        self._jumped = timedelta()

    def now(self) -> datetime:
        return self._source() + self._jumped

    def advance(self, by: timedelta) -> None:
        self._jumped += by
