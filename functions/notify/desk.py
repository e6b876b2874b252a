"""What every part of notify works with."""

from dataclasses import dataclass

from functions.notify.links import Links
from functions.notify.tell import Said, Tell, Unheard
from keylease.domain.telling import Telling
from keylease.ports.chat import Message
from keylease.ports.directory import Directory
from keylease.ports.store import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads records, tells people, hands out links."""

    store: Store
    directory: Directory
    tell: Tell
    links: Links
    telling: Telling

    async def operators(self, message: Message, /, *, said: Said) -> Unheard:
        """Tell those who run keylease."""
        return await self.tell.at(self.telling.operators, message, said=said)
