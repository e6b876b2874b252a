"""The accounts that keylease holds on a target that takes only so many."""

from typing import ClassVar

from keylease.domain.record import Record


class Slots(Record):
    """Taken when a request is approved, given back when the account is proved to be gone."""

    kind: ClassVar[str] = "slots"

    accounts: tuple[str, ...] = ()
    """Account ids."""

    def taken_by(self, account_id: str, /) -> "Slots":
        return self.evolve(accounts=(*self.accounts, account_id))

    def given_back_by(self, account_id: str, /) -> "Slots":
        return self.evolve(accounts=tuple(a for a in self.accounts if a != account_id))
