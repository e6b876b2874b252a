"""Ids that sort by the time of their making: milliseconds, a counter, and randomness."""

import os

from keylease.domain.rows import micros
from keylease.ports.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Two letters a step: base64 does this in Python too."""
_TIME_LETTERS, _COUNT_LETTERS, _RANDOM_BYTES = 10, 4, 10
_COUNTS = 32**_COUNT_LETTERS


class SystemIds:
    """Keeps `ports.ids.Ids`. One instance per process, used from one thread."""

    def __init__(self, clock: Clock, /) -> None:
        self._clock = clock
        self._millis = 0
        self._count = 0

    def new(self, kind: str, /) -> str:
        self._step()
        return (
            f"{kind}-{_letters(self._millis, length=_TIME_LETTERS)}"
            f"{_letters(self._count, length=_COUNT_LETTERS)}"
            f"{_letters(int.from_bytes(os.urandom(_RANDOM_BYTES)), length=_RANDOM_BYTES * 8 // 5)}"
        )

    def nonce(self) -> str:
        return os.urandom(16).hex()

    def jitter(self) -> float:
        return (int.from_bytes(os.urandom(7)) >> 3) / 2**53

    def _step(self) -> None:
        """Go forward, also when the clock stands or goes back."""
        millis = micros(self._clock.now()) // 1000
        if millis > self._millis:
            # The lower half at random: other processes start elsewhere, and there is room to count.
            self._millis, self._count = millis, int.from_bytes(os.urandom(4)) % (_COUNTS // 2)
            return
        self._count += 1
        if self._count == _COUNTS:
            self._millis, self._count = self._millis + 1, 0


def _letters(number: int, *, length: int) -> str:
    return "".join([_PAIRS[number >> bits & 1023] for bits in range(5 * length - 10, -1, -10)])
