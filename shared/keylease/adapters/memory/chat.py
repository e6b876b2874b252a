"""A chat that keeps everything it was told; it can be made to fail once, or to know nobody."""

from dataclasses import dataclass, field

from keylease.domain.people import ExternalId
from keylease.errors import InvariantBroken, ProviderError, ProviderNotFound
from keylease.ports.chat import Chat, Message, Posted


@dataclass(frozen=True, slots=True)
class Heard:
    """One message where it stands now."""

    place: str
    """The person's external id, or the channel."""
    message: Message
    posted: Posted
    is_direct: bool


@dataclass(slots=True)
class MemoryChat:
    """Keeps `ports.chat.Chat`."""

    tenant: str = "T1"
    heard: list[Heard] = field(default_factory=list)
    """Every message ever said, in order, as it was said first."""
    updates: list[tuple[Posted, Message]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    """Places that do not exist."""
    failures: list[ProviderError | None] = field(default_factory=list)
    """What the next calls raise instead of doing anything; None lets one pass."""

    async def tell(self, person: ExternalId, message: Message, /) -> Posted:
        return self._keep(str(person), person.subject, message, is_direct=True)

    async def post(self, channel: str, message: Message, /) -> Posted:
        if message.link is not None:
            msg = "a link is for one person only"
            raise InvariantBroken(msg)
        return self._keep(channel, channel, message, is_direct=False)

    async def update(self, posted: Posted, message: Message, /) -> None:
        self._fail()
        self.updates.append((posted, message))

    def standing(self, place: str, /) -> list[Message]:
        """What can be read there now, updates included."""
        latest = dict(self.updates)
        return [latest.get(one.posted, one.message) for one in self.heard if one.place == place]

    def _keep(self, place: str, channel: str, message: Message, *, is_direct: bool) -> Posted:
        self._fail()
        if place in self.unknown:
            raise ProviderNotFound("memory-chat", "channel_not_found")
        posted = Posted(tenant=self.tenant, channel=channel, stamp=str(len(self.heard) + 1))
        self.heard.append(Heard(place, message, posted, is_direct))
        return posted

    def _fail(self) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


@dataclass(frozen=True, slots=True)
class MemoryChats:
    """Keeps `ports.chat.Chats`: one chat for every person and channel of one platform."""

    chat: MemoryChat = field(default_factory=MemoryChat)
    platform: str = "slack"

    def of(self, person: ExternalId, /) -> Chat | None:
        return self.chat if person.platform == self.platform else None

    def at(self, address: str, /) -> tuple[Chat, str] | None:
        platform, _, channel = address.partition(":")
        return (self.chat, channel) if platform == self.platform and channel else None
