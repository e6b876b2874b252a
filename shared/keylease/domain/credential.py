"""A credential: the secret of an account, in versions, sealed at rest, revealed at most once."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from keylease.domain.record import Record, Value


class Sealed(Value):
    """AES-256-GCM ciphertext; the associated data is the id of what it belongs to."""

    key_id: str
    nonce: str
    """Base64."""
    ciphertext: str
    """Base64, with the tag."""


class CredentialStatus(StrEnum):
    """Pending until the target is proved to take it; previous is kept sealed until the next."""

    PENDING = "pending"
    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


class Claim(Value):
    """A link that reveals the credential once; only its hash is kept."""

    token_hash: str
    """SHA-256 of the token, hex."""
    issued_at: datetime
    claim_by: datetime


class Credential(Record):
    """One version of an account's secret. Its id is `<account id>#<number>`."""

    kind: ClassVar[str] = "credential"

    account_id: str
    target_id: str
    username: str
    number: int
    holder: str
    """The principal who may claim it."""
    lease_id: str | None = None
    rotation_id: str | None = None
    status: CredentialStatus = CredentialStatus.PENDING
    sealed: Sealed | None
    """None once scrubbed."""
    made_at: datetime
    claim: Claim | None = None
    claimed_at: datetime | None = None

    @property
    def parent(self) -> str | None:
        return self.account_id

    @property
    def handle(self) -> str | None:
        return self.claim.token_hash if self.claim else None

    @property
    def is_open(self) -> bool:
        return self.status is not CredentialStatus.RETIRED

    def retired(self) -> "Credential":
        """Of no more use, and scrubbed."""
        return self.evolve(status=CredentialStatus.RETIRED, sealed=None)


def credential_id(*, account_id: str, number: int) -> str:
    """The id of one version."""
    return f"{account_id}#{number}"
