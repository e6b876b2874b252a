"""An account: a user name on a target, what it must hold, and who may work on it right now."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from keylease.domain.access import Permission, ResourceType, RowKey
from keylease.domain.record import Record, Value
from keylease.domain.schedule import Schedule

STRAY_WRITE_WINDOW = timedelta(minutes=16)
"""A signed request is dead after 15 minutes: no lost write lands later."""


class AccountKind(StrEnum):
    """Dedicated: made for one lease. Standing: a service's own."""

    DEDICATED = "dedicated"
    STANDING = "standing"


class Managed(Value):
    """One row of a standing account that keylease has touched, and what stood there before."""

    resource: ResourceType
    name: str
    before: Permission | None
    """None: there was no row."""

    @property
    def key(self) -> RowKey:
        return (self.resource, self.name)


class Intent(Value):
    """Written before an outside call: what is about to be tried, and with which sealed secret."""

    steps: tuple[str, ...]
    """In words, for people and the audit log."""
    credential_id: str | None
    at: datetime
    gives: bool
    """Whether it gives anything: a lost call of it may still land (`STRAY_WRITE_WINDOW`)."""


class Lock(Value):
    """One worker's turn on this account. `epoch` only grows; commits carry the record's version."""

    epoch: int
    owner: str
    until: datetime


class Account(Record):
    """The record that serialises all work on one account."""

    kind: ClassVar[str] = "account"

    target_id: str
    username: str
    account_kind: AccountKind
    owner: str
    """Principal id: the holder of the lease, or the owner of a standing account."""
    lock: Lock | None = None
    epoch: int = 0
    intent: Intent | None = None
    """Kept until a read-back has shown its outcome."""
    made: bool = False
    """Whether we have tried to create it: a stranger's account of that name is never adopted."""
    managed: tuple[Managed, ...] = ()
    credential_id: str | None = None
    """The current credential."""
    credentials: int = 0
    """How many credential versions there have been."""
    rotation: Schedule | None = None
    rotate_at: datetime | None = None
    rotation_id: str | None = None
    """The rotation under way."""
    recheck_at: datetime | None = None
    """When it is read once more, after a call that may have landed late."""
    removed_at: datetime | None = None

    @property
    def parent(self) -> str | None:
        return self.target_id

    @property
    def is_open(self) -> bool:
        return self.removed_at is None

    @property
    def sweep_at(self) -> datetime | None:
        rotate_at = self.rotate_at if self.rotation_id is None else None
        return min((at for at in (rotate_at, self.recheck_at) if at is not None), default=None)

    def needs_look(self, now: datetime, /) -> bool:
        """Whether the planned later look is due."""
        return self.recheck_at is not None and self.recheck_at <= now

    def is_free(self, now: datetime, /) -> bool:
        """Whether nobody is working on it."""
        return self.lock is None or self.lock.until <= now

    def locked(self, *, by: str, now: datetime, turn: timedelta) -> "Account":
        """Taken by `by` for `turn`."""
        epoch = self.epoch + 1
        return self.evolve(epoch=epoch, lock=Lock(epoch=epoch, owner=by, until=now + turn))

    def doubted(self) -> "Account":
        """With a later look planned, when the last intent may still land."""
        if self.intent is None or not self.intent.gives:
            return self
        return self.evolve(recheck_at=self.intent.at + STRAY_WRITE_WINDOW)

    def before(self, key: RowKey, /) -> Permission | None:
        """What stood at a managed row before keylease touched it."""
        return next((row.before for row in self.managed if row.key == key), None)


_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def dedicated_username(lease_id: str, /) -> str:
    """`kl` and 12 lower-case letters and digits: valid under every naming rule of both products.

    Derived from the lease, so that a crashed run meets its own account again.
    """
    number = int.from_bytes(hashlib.sha256(lease_id.encode()).digest())
    letters = []
    for _ in range(12):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "kl" + "".join(letters)
