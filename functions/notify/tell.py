"""Tell: say something at one place, once, and replace it later.

That it will be said is committed before the call (see `domain.post`), so of two workers one calls.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from keylease.domain.outcome import Outcome
from keylease.domain.people import ExternalId
from keylease.domain.post import Post, post_id
from keylease.errors import (
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
)
from keylease.ports.chat import Chat, Chats, Message, Posted
from keylease.ports.clock import Clock
from keylease.ports.directory import Directory
from keylease.ports.journal import Journal
from keylease.ports.store import Store

HOPELESS = (ProviderRefused, ProviderDenied, ProviderNotFound)
"""Saying it there again will not help."""

Unheard = tuple[str, ...]
"""Whom no message reaches."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something can be said."""

    chat: Chat
    address: str
    person: ExternalId | None
    channel: str

    async def say(self, message: Message, /) -> Posted:
        if self.person is None:
            return await self.chat.post(self.channel, message)
        return await self.chat.tell(self.person, message)


@dataclass(frozen=True, slots=True)
class Said:
    """What makes a message the same one when its event comes again."""

    key: str
    about: str
    cause: str
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """Notes, posts, then remembers; what is remembered is not posted again."""

    store: Store
    journal: Journal
    clock: Clock
    directory: Directory
    chats: Chats

    async def person(self, id: str, /, *, first: ExternalId | None = None) -> Place | None:
        """Where a principal alone is told something; `first` comes first when it is theirs.

        Only addresses that the directory vouches for: a request's sender may be a script.
        """
        principal = await self.directory.principal(id)
        if principal is None:
            return None
        for address in sorted(principal.addresses, key=lambda one: one != first):
            chat = self.chats.of(address)
            if chat is not None:
                return Place(chat, str(address), address, "")
        return None

    def channel(self, address: str, /) -> Place | None:
        found = self.chats.at(address)
        return Place(found[0], address, None, found[1]) if found else None

    async def to(
        self,
        id: str,
        message: Message,
        /,
        *,
        said: Said,
        first: ExternalId | None = None,
    ) -> Unheard:
        """Say it to one principal."""
        place = await self.person(id, first=first)
        return await self.everywhere([place], message, said=said) if place else (id,)

    async def at(self, addresses: Iterable[str], message: Message, /, *, said: Said) -> Unheard:
        """Say it in channels."""
        known = {address: self.channel(address) for address in addresses}
        places = [place for place in known.values() if place is not None]
        unheard = await self.everywhere(places, message, said=said)
        return (*unheard, *(address for address, place in known.items() if place is None))

    async def everywhere(
        self, places: Iterable[Place], message: Message, /, *, said: Said
    ) -> Unheard:
        """Say it at each place; one that fails does not keep the others from hearing it.

        Raises:
            ProviderError: some have not heard it yet; those that have will not hear it twice.
        """
        hopeless: list[str] = []
        late: ProviderError | None = None
        for place in places:
            try:
                await self._say(place, message, said=said)
            except HOPELESS as e:
                hopeless.append(f"{place.address} ({e.code})")
            except ProviderError as e:
                late = e
        if late is not None:
            raise late
        return tuple(hopeless)

    async def _say(self, place: Place, message: Message, *, said: Said) -> None:
        post = await self.post(place, said=said)
        if post.is_said:
            return
        intent = self.intend(post, said=said)
        await self.journal.commit(Outcome(records=(intent,)))
        await self.call(place, message, intent=intent.stored(), said=said)

    async def post(self, place: Place, /, *, said: Said) -> Post:
        """The record of it, as it stands or as it will be."""
        id_ = post_id(said=said.key, address=place.address)
        found = await self.store.load(Post, id_)
        return found or Post(
            id=id_,
            about=said.about,
            cause=said.cause,
            address=place.address,
            person=place.person,
            is_waiting=said.is_waiting,
        )

    def intend(self, post: Post, /, *, said: Said) -> Post:
        """The record to commit before `call`: of two workers, one commits it.

        Raises:
            ProviderBusy: another worker calls now, or died at it a moment ago.
        """
        now = self.clock.now()
        wait = post.busy_for(now)
        if wait:
            raise ProviderBusy("chat", "being_said", retry_after=wait.total_seconds())
        return post.attempted(cause=said.cause, now=now)

    async def call(self, place: Place, message: Message, /, *, intent: Post, said: Said) -> None:
        """Say it; keep where it stands.

        Raises:
            ProviderError: it may not stand there; the next try need not wait.
        """
        try:
            posted = await place.say(message)
        except ProviderError:
            await self.journal.commit(Outcome(records=(intent.evolve(saying=None),)))
            raise
        proof = intent.evolve(
            cause=said.cause,
            tenant=posted.tenant,
            channel=posted.channel,
            stamp=posted.stamp,
            posted_at=self.clock.now(),
            is_waiting=said.is_waiting,
            saying=None,
        )
        await self.journal.commit(Outcome(records=(proof,)))

    async def settle(self, about: str, message: Message, /) -> None:
        """Put the end of the matter in place of everything that still waits for somebody."""
        for post in await self.store.children(Post, about):
            await self.replace(post, message)
            await self.journal.commit(Outcome(records=(post.evolve(is_waiting=False),)))

    async def replace(self, post: Post, message: Message, /) -> None:
        """Put other words in its place; what cannot be changed any more is refused anyway."""
        chat = self._chat(post)
        if chat is None:
            return
        try:
            await chat.update(stands_at(post), message)
        except HOPELESS:
            return

    def _chat(self, post: Post) -> Chat | None:
        if post.person is not None:
            return self.chats.of(post.person)
        found = self.chats.at(post.address)
        return found[0] if found else None


def stands_at(post: Post, /) -> Posted:
    """Where the chat keeps it."""
    return Posted(tenant=post.tenant, channel=post.channel, stamp=post.stamp)
