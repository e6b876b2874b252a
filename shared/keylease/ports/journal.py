"""Committing in between: for the few functions whose intent must be durable before their call."""

from typing import Protocol

from keylease.domain.outcome import Outcome


class Journal(Protocol):
    """Wraps outcomes into batches: gives events their ids, time and destinations."""

    async def commit(self, outcome: Outcome, /) -> None:
        """Make it durable; the next commit of the same record needs `record.stored()`.

        Raises:
            Conflict: another commit came first; load again.
        """
        ...
