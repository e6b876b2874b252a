"""Everything that one look at an account shows: the record, its leases, the target's answer."""

from dataclasses import dataclass
from datetime import datetime

from keylease.domain.access import Permission, RowKey, Target
from keylease.domain.account import Account, AccountKind
from keylease.domain.credential import Credential
from keylease.domain.lease import Lease
from keylease.domain.slots import Slots
from keylease.domain.steps import Observed

UNSEEN = Observed(exists=True, settled=False)
"""Before the first read: nothing may be concluded from it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store says, before anything is asked of the target."""

    account: Account
    """Once seen, with its baseline (`fold.baselined`)."""
    loaded: tuple[Lease, ...]
    """Open leases as they are stored."""
    leases: tuple[Lease, ...]
    """The same, with those that are over or cannot be served asked to end."""
    now: datetime

    @property
    def live(self) -> tuple[Lease, ...]:
        """Leases whose access shall stand now."""
        return tuple(lease for lease in self.leases if lease.deserves_access(self.now))

    @property
    def changed(self) -> tuple[Lease, ...]:
        """Leases that this look has changed."""
        return tuple(new for new, old in zip(self.leases, self.loaded, strict=True) if new != old)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Known):
    """Input of the pure half of converge."""

    target: Target
    observed: Observed = UNSEEN
    credentials: tuple[Credential, ...] = ()
    """Those of the account that are not retired."""
    slots: Slots | None = None

    @property
    def is_dedicated(self) -> bool:
        return self.account.account_kind is AccountKind.DEDICATED

    @property
    def rows(self) -> dict[RowKey, Permission]:
        """The target's rows by key."""
        return {row.key: row for row in self.observed.permissions}

    @property
    def is_strangers(self) -> bool:
        """Whether somebody else made an account of our dedicated name."""
        return self.is_dedicated and self.observed.exists and not self.account.made
