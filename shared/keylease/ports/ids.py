"""New names for new things, and randomness."""

from typing import Protocol


class Ids(Protocol):
    """Makes ids."""

    def new(self, kind: str, /) -> str:
        """A fresh id, `<kind>-` and lower-case letters and digits, ordered by time of making.

        Unique over all processes; not a secret.
        """
        ...

    def nonce(self) -> str:
        """Letters and digits that never come again: for a signature, which needs no order."""
        ...

    def jitter(self) -> float:
        """A uniform number in [0, 1)."""
        ...
