"""Telling people: messages with structure, rendered by each chat in its own way."""

from dataclasses import dataclass
from typing import Protocol

from keylease.domain.people import ExternalId
from keylease.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `value` carries request id and digest, never authority."""

    action: str
    label: str
    value: str
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What is said. `text` alone is enough to understand it."""

    text: str
    fields: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    link: Secret | None = None
    """A capability URL: only ever in a message to one person."""
    link_label: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands, so that it can be replaced."""

    tenant: str
    channel: str
    stamp: str


class Chat(Protocol):
    """One chat system. Text given to it is plain; it escapes whatever its markup would read."""

    async def tell(self, person: ExternalId, message: Message, /) -> Posted:
        """Say it to one person, where nobody else reads it."""
        ...

    async def post(self, channel: str, message: Message, /) -> Posted:
        """Say it in a channel. A message with a link is refused (InvariantBroken)."""
        ...

    async def update(self, posted: Posted, message: Message, /) -> None:
        """Replace a message; gone is success."""
        ...


class Chats(Protocol):
    """All chats, by platform and tenant."""

    def of(self, person: ExternalId, /) -> Chat | None:
        """The chat that reaches this person, or None."""
        ...

    def at(self, address: str, /) -> tuple[Chat, str] | None:
        """The chat and channel of an address such as `slack:#mq-approvals`, or None."""
        ...
