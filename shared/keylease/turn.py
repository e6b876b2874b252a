"""Turns: one worker at a time per account, by a lock whose every commit is checked."""

from dataclasses import dataclass
from datetime import timedelta

from keylease.domain.account import Account
from keylease.domain.outcome import Outcome
from keylease.errors import Conflict
from keylease.ports.clock import Clock
from keylease.ports.ids import Ids
from keylease.ports.journal import Journal
from keylease.ports.store import Store

TURN = timedelta(seconds=45)
"""How long a turn lasts unless an intent renews it; then the account is free, crash or not."""
CALLS = timedelta(seconds=30)
"""The longest that calls between two renewals may take: over well before the turn is."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes and checks turns. A turn is given back by any commit that clears the lock."""

    store: Store
    journal: Journal
    clock: Clock
    ids: Ids

    async def take(self, account: Account, /) -> Account:
        """Lock the account as it was read.

        Raises:
            Conflict: somebody else works on it, or was quicker.
        """
        now = self.clock.now()
        if not account.is_free(now):
            msg = f"{account.id} is being worked on"
            raise Conflict(msg)
        # An intent that a crash left here may yet land: look once more when it surely cannot.
        taken = account.doubted().locked(by=self.ids.new("turn"), now=now, turn=TURN)
        await self.journal.commit(Outcome(records=(taken,)))
        return taken.stored()

    async def held(self, account_id: str, /, *, epoch: int) -> Account:
        """The account as it is now, still in the turn of that epoch.

        Raises:
            Conflict: the turn is somebody else's by now.
        """
        account = await self.store.load(Account, account_id)
        if account is None or account.lock is None or account.lock.epoch != epoch:
            msg = f"lost the turn on {account_id}"
            raise Conflict(msg)
        return account
