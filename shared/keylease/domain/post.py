"""A post: a message in a chat, remembered so that it is said once and can be replaced.

Chat systems take no key that would make a second call harmless. So whoever calls writes first that
it will: of two workers one may. After a crash between that and the proof, nobody can tell whether
the message is there; once `SAYING` is over it is said again. Twice is a nuisance; never would lose
a question to an approver, or the link to a credential.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from keylease.domain.people import ExternalId
from keylease.domain.record import Record, Value

SAYING = timedelta(seconds=30)
"""How long one who says something keeps others from it: a call to a chat takes at most 10 s."""


class Saying(Value):
    """Somebody calls the chat, or has died at it."""

    cause: str
    since: datetime


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
    tenant: str = ""
    channel: str = ""
    stamp: str = ""
    """Where the chat keeps it (see `ports.chat.Posted`); empty until it was said."""
    posted_at: datetime | None = None
    is_waiting: bool = False
    """Whether it still shows buttons or a link that must go when the matter is settled."""
    saying: Saying | None = None
    """Written before the call, gone with the proof; what stands there meanwhile is kept."""

    @property
    def parent(self) -> str | None:
        return self.about

    @property
    def is_open(self) -> bool:
        return self.is_waiting and self.is_said

    @property
    def is_said(self) -> bool:
        """Whether it surely stands in the chat."""
        return self.posted_at is not None

    def busy_for(self, now: datetime) -> timedelta:
        """How long somebody may still be saying it."""
        until = self.saying.since + SAYING if self.saying else now
        return max(until - now, timedelta(0))

    def attempted(self, *, cause: str, now: datetime) -> Self:
        """About to be said."""
        return self.evolve(saying=Saying(cause=cause, since=now))


def post_id(*, said: str, address: str) -> str:
    """The id of what is said at one place."""
    return f"{said}|{address}"
