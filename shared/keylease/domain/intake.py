"""What a verified message says, whichever door it came through."""

from datetime import timedelta

from keylease.domain.access import Permission
from keylease.domain.people import ExternalId
from keylease.domain.record import Value
from keylease.domain.request import Verdict


class Ask(Value):
    """Somebody asks for access: either an entitlement, or a target and permissions."""

    entitlement: str | None = None
    target: str | None = None
    permissions: tuple[Permission, ...] = ()
    account: str | None = None
    duration: timedelta
    reason: str
    ticket: str | None = None
    on_behalf_of: ExternalId | None = None
    """The person, when a trusted system (a ticket tool's script) files for one."""


class GiveReview(Value):
    """Somebody approves or denies; `digest` is of the request as it was shown, empty when typed."""

    request_id: str
    verdict: Verdict
    digest: str = ""
    reason: str = ""


class Release(Value):
    """Somebody ends a lease early, or takes an open request back."""

    request_id: str


class AskClaim(Value):
    """The holder wants a new link to the credential."""

    request_id: str
    """Or the id of a standing account (`target/username`), by its owner after a rotation."""


class AskStatus(Value):
    """How far is this request, or (None) are all of mine?"""

    request_id: str | None = None


class AskHelp(Value):
    """What can I say here?"""

    problem: str = ""
    """What could not be understood, when that is why help is shown."""


Said = Ask | GiveReview | Release | AskClaim | AskStatus | AskHelp


class Arrived(Value):
    """One verified message."""

    source: str
    """`slack`, `webhook` or `cloudevents`: which door."""
    tenant: str
    key: str
    """Unique per distinct message of that source and tenant; a re-sent one keeps it."""
    sender: ExternalId
    said: Said
    traceparent: str | None = None


class Reply(Value):
    """What the sender reads at once. Words only: never a secret, never a link that is one."""

    text: str
    request_id: str | None = None
    refused: bool = False
    """Whether nothing came of the message."""
