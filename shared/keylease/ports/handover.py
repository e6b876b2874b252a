"""The one-time hand-over as its host sees it: what a link leads to, and the pages that say so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from keylease.domain.access import Product
from keylease.domain.secret import Secret
from keylease.ports.accounts import Endpoint


@dataclass(frozen=True, slots=True)
class Offer:
    """A credential is there to be claimed. Nothing in it is secret."""

    target: str
    claim_by: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """The credential, for the only time."""

    product: Product
    target: str
    instance_id: str
    username: str
    password: Secret
    endpoints: tuple[Endpoint, ...]
    """Empty when the cloud could not be asked; the credential is no less valid."""
    ends_at: datetime | None = None
    """When the access ends; None for a rotated credential."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """It was claimed before."""

    target: str
    holder: str
    """The principal whom the link was for."""
    first_at: datetime
    request_id: str | None = None


class Why(StrEnum):
    """Why a link leads nowhere."""

    UNKNOWN = "unknown"
    """No credential has it: mistyped, replaced by a newer one, or made up."""
    LATE = "late"
    OVER = "over"
    """The access has ended, or a newer secret has taken the place of this one."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing can be claimed here."""

    why: Why
    about: str | None = None
    """What to ask a new link for: a request id, or an account id after a rotation."""


class Claims(Protocol):
    """Reveals each credential at most once."""

    async def look(self, token: Secret, /) -> Offer | Spent | Gone:
        """What the link leads to; reveals nothing, burns nothing, leaves no trace."""
        ...

    async def __call__(self, token: Secret, /) -> Shown | Spent | Gone:
        """Claim. Of any number of callers at most one ever gets `Shown`.

        Raises:
            KeyleaseError: nothing was revealed, and nothing was burned.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page, ready to be sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        """Without the body: it may show a credential."""
        return f"Page(status={self.status})"


class ClaimPages(Protocol):
    """Writes the pages of the hand-over, with the headers that protect them."""

    def offer(self, offer: Offer, /) -> Page: ...

    def shown(self, shown: Shown, /) -> Page: ...

    def spent(self, spent: Spent, /) -> Page: ...

    def gone(self, gone: Gone, /) -> Page: ...

    def elsewhere(self) -> Page:
        """The claim did not come from our own page."""
        ...

    def later(self) -> Page:
        """Something is out of order; nothing was shown and nothing was burned."""
        ...
