"""Telling about standing accounts: their owners claim each new password; alarms reach operators."""

from dataclasses import dataclass

from functions.notify import words
from functions.notify.desk import Desk
from functions.notify.links import is_claimable
from functions.notify.tell import Said, Unheard
from keylease.domain.account import Account
from keylease.domain.credential import Credential
from keylease.domain.events import (
    ClaimAsked,
    ClaimRepeated,
    CredentialClaimed,
    CredentialRotated,
    RotationFailed,
)
from keylease.domain.secret import Secret
from keylease.ports.chat import Message

AboutAccount = CredentialRotated | CredentialClaimed | RotationFailed | ClaimRepeated


@dataclass(frozen=True, slots=True)
class OfAccounts:
    """Only the owner ever gets a link."""

    desk: Desk

    async def __call__(self, event: AboutAccount, /, *, cause: str) -> Unheard:
        match event:
            case CredentialRotated():
                return await self._hand_over(event.credential_id, event.account_id, cause)
            case CredentialClaimed():
                await self._claimed(event)
                return ()
            case RotationFailed():
                message = words.rotation_failed(event)
                return await self._alarm(event.owner, event.account_id, message, cause)
            case ClaimRepeated():
                message = words.claim_repeated(event, telling=self.desk.telling)
                return await self._alarm(event.holder, event.account_id, message, cause)

    async def _hand_over(self, credential_id: str, account_id: str, cause: str) -> Unheard:
        def wording(credential: Credential, link: Secret) -> Message:
            return words.rotated_link(credential, link, telling=self.desk.telling)

        hand_over = self.desk.links.hand_over
        return await hand_over(credential_id, wording, about=account_id, cause=cause)

    async def ask_again(self, event: ClaimAsked, account: Account, /, *, cause: str) -> Unheard:
        """A new link to the current password for its owner, or why there is none."""
        id_ = account.credential_id
        credential = await self.desk.store.load(Credential, id_) if id_ else None
        if account.owner != event.by:
            why = "you do not own it"
        elif credential is None or credential.rotation_id is None:
            why = "keylease has not rotated it yet"
        elif not is_claimable(credential):
            why = f"the password was shown already; say keylease rotate {account.id} for a new one"
        else:
            return await self._hand_over(credential.id, account.id, cause)
        said = Said(cause, account.id, cause)
        return await self.desk.tell.to(event.by, words.no_link(account.id, why), said=said)

    async def _claimed(self, event: CredentialClaimed) -> None:
        credential = await self.desk.store.load(Credential, event.credential_id)
        if credential is not None and credential.claimed_at is not None:
            at = self.desk.telling.when(credential.claimed_at)
            await self.desk.tell.settle(credential.id, words.claimed(event, at))

    async def _alarm(self, whom: str, about: str, message: Message, cause: str) -> Unheard:
        said = Said(cause, about, cause)
        unheard = await self.desk.operators(message, said=said)
        return (*unheard, *await self.desk.tell.to(whom, message, said=said))
