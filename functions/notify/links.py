"""Links: each a new capability for a credential; only its hash is kept, only its holder is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from functions.notify import words
from functions.notify.tell import HOPELESS, Place, Said, Tell, Unheard, stands_at
from keylease.domain.audit import AuditEntry
from keylease.domain.credential import Claim, Credential, CredentialStatus
from keylease.domain.outcome import Outcome
from keylease.domain.post import Post
from keylease.domain.secret import Secret
from keylease.domain.telling import Telling
from keylease.errors import ProviderError
from keylease.ports.chat import Message
from keylease.ports.clock import Clock
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store

Wording = Callable[[Credential, Secret], Message]


@dataclass(frozen=True, slots=True)
class Links:
    """Issues links: the hash is durable before anybody is told."""

    store: Store
    journal: Journal
    clock: Clock
    secrets: Secrets
    telling: Telling
    tell: Tell

    async def hand_over(
        self,
        credential_id: str,
        wording: Wording,
        /,
        *,
        about: str,
        cause: str,
        until: datetime | None = None,
    ) -> Unheard:
        """Send the holder a link that replaces every earlier one; nothing once it was claimed.

        `until`: when the access ends, after which no link is of use.

        Returns who could not be told.

        Raises:
            ProviderError: the holder may not have it yet; the next try makes another one.
        """
        credential = await self.store.load(Credential, credential_id)
        if credential is None or not is_claimable(credential):
            return ()
        place = await self.tell.person(credential.holder)
        if place is None:
            return (credential.holder,)
        said = Said(f"{credential.id}|link", credential.id, cause, is_waiting=True)
        earlier = await self.tell.post(place, said=said)
        if earlier.is_said and earlier.cause == cause:
            return ()
        intent = self.tell.intend(earlier, said=said)
        message = await self._issue(credential, wording, about=about, until=until, intent=intent)
        try:
            await self.tell.call(place, message, intent=intent.stored(), said=said)
        except HOPELESS as e:
            return (f"{place.address} ({e.code})",)
        await self._withdraw(place, earlier, about=about)
        return ()

    async def _issue(
        self,
        credential: Credential,
        wording: Wording,
        *,
        about: str,
        until: datetime | None,
        intent: Post,
    ) -> Message:
        token, now = self.secrets.token(), self.clock.now()
        longest = now + self.telling.link_lasts
        claim_by = min(longest, until) if until else longest
        digest = self.secrets.digest(token)
        given = credential.evolve(claim=Claim(token_hash=digest, issued_at=now, claim_by=claim_by))
        entry = AuditEntry(
            at=now,
            action="claim.offered",
            subject=about,
            actor="keylease",
            detail={"credential": credential.id, "claim_by": claim_by.isoformat()},
        )
        await self.journal.commit(Outcome(records=(given, intent), audit=(entry,)))
        return wording(given, Secret(self.telling.link(token.reveal())))

    async def _withdraw(self, place: Place, earlier: Post, *, about: str) -> None:
        """The older message loses its dead link; that is a courtesy, not a promise."""
        if not earlier.is_open:
            return
        try:
            await place.chat.update(stands_at(earlier), words.replaced(about))
        except ProviderError:
            return


def is_claimable(credential: Credential, /) -> bool:
    """Whether a link to it makes sense."""
    return (
        credential.claimed_at is None
        and credential.sealed is not None
        and credential.status is CredentialStatus.CURRENT
    )
