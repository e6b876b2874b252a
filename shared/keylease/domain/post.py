"""A post: a message in a chat, remembered so that it is said once and can be replaced."""

from datetime import datetime
from typing import ClassVar

from keylease.domain.people import ExternalId
from keylease.domain.record import Record


class Post(Record):
    """One message at one place. Its id is `<what was said>|<address>`: saying it again finds it."""

    kind: ClassVar[str] = "post"

    about: str
    """The request or credential that it belongs to."""
    cause: str
    """The event that made it; the same event again says nothing new."""
    address: str
    """Such as `slack:#mq-approvals`, or the external id of one person."""
    person: ExternalId | None = None
    """Who alone reads it; None for a channel."""
    tenant: str
    channel: str
    stamp: str
    """Where the chat keeps it (see `ports.chat.Posted`)."""
    posted_at: datetime
    is_waiting: bool = False
    """Whether it still shows buttons or a link that must go when the matter is settled."""

    @property
    def parent(self) -> str | None:
        return self.about

    @property
    def is_open(self) -> bool:
        return self.is_waiting


def post_id(*, said: str, address: str) -> str:
    """The id of what is said at one place."""
    return f"{said}|{address}"
