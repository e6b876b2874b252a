"""Telling about leases: the holder gets the link, and hears how and when it ended."""

from dataclasses import dataclass

from functions.notify import words
from functions.notify.desk import Desk
from functions.notify.links import is_claimable
from functions.notify.tell import Said, Unheard
from keylease.domain.account import Account
from keylease.domain.credential import Credential
from keylease.domain.events import (
    ClaimAsked,
    LeaseActivated,
    LeaseClaimed,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
)
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.request import Request
from keylease.domain.secret import Secret
from keylease.ports.chat import Message

AboutLease = LeaseActivated | LeaseEnded | LeaseFailed | LeaseStuck | LeaseClaimed


@dataclass(frozen=True, slots=True)
class OfLeases:
    """Only the holder ever gets a link."""

    desk: Desk

    async def __call__(self, event: AboutLease, /, *, cause: str) -> Unheard:
        lease = await self.desk.store.load(Lease, event.lease_id)
        if lease is None:
            return ()
        match event:
            case LeaseActivated():
                return await self._active(event, lease, cause)
            case LeaseEnded():
                await self._close_link(event)
                message = words.ended(event, lease, telling=self.desk.telling)
                return await self._holder(lease, message, cause)
            case LeaseFailed():
                await self._close_link(event)
                alarm = await self._alarm(lease, words.failed_alarm(event, lease), cause)
                return (*alarm, *await self._holder(lease, words.failed(event, lease), cause))
            case LeaseStuck():
                return await self._alarm(lease, words.stuck(event, lease), cause)
            case LeaseClaimed():
                await self._claimed(event)
                return ()

    async def _active(self, event: LeaseActivated, lease: Lease, cause: str) -> Unheard:
        if event.credential_id is None:
            message = words.active(event, lease, telling=self.desk.telling)
            return await self._holder(lease, message, cause)
        if lease.status is not LeaseStatus.ACTIVE:
            return ()
        return await self._hand_over(event.credential_id, lease, cause)

    async def _hand_over(self, credential_id: str, lease: Lease, cause: str) -> Unheard:
        def wording(credential: Credential, link: Secret) -> Message:
            return words.lease_link(lease, credential, link, telling=self.desk.telling)

        about = lease.request_id
        return await self.desk.links.hand_over(
            credential_id, wording, about=about, cause=cause, until=lease.not_after
        )

    async def ask_again(self, event: ClaimAsked, request: Request, /, *, cause: str) -> Unheard:
        """A new link for its holder, or why there is none."""
        lease = await self.desk.store.load(Lease, request.lease_id) if request.lease_id else None
        credential_id, why = await self._claimable(event, lease)
        if lease is not None and credential_id is not None:
            return await self._hand_over(credential_id, lease, cause)
        said = Said(cause, request.id, cause)
        return await self.desk.tell.to(event.by, words.no_link(request.id, why), said=said)

    async def _claimable(self, event: ClaimAsked, lease: Lease | None) -> tuple[str | None, str]:
        if lease is None or lease.holder != event.by:
            return None, "you do not hold it"
        if lease.status is not LeaseStatus.ACTIVE:
            return None, f"the access is {lease.status}, not active"
        account = await self.desk.store.load(Account, lease.account_id)
        id_ = account.credential_id if account else None
        credential = await self.desk.store.load(Credential, id_) if id_ else None
        if credential is None or credential.lease_id is None:
            return None, "the account has its password already"
        if not is_claimable(credential):
            return None, "the credential was shown already; release the access and ask again"
        return credential.id, ""

    async def _claimed(self, event: LeaseClaimed) -> None:
        credential = await self.desk.store.load(Credential, event.credential_id)
        if credential is not None and credential.claimed_at is not None:
            at = self.desk.telling.when(credential.claimed_at)
            await self.desk.tell.settle(credential.id, words.claimed(event, at))

    async def _close_link(self, event: LeaseEnded | LeaseFailed) -> None:
        account = await self.desk.store.load(Account, event.account_id)
        if account is not None and account.credential_id is not None:
            over = words.link_over(event.request_id)
            await self.desk.tell.settle(account.credential_id, over)

    async def _holder(self, lease: Lease, message: Message, cause: str) -> Unheard:
        request = await self.desk.store.load(Request, lease.request_id)
        first = request.origin if request else None
        said = Said(cause, lease.request_id, cause)
        return await self.desk.tell.to(lease.holder, message, said=said, first=first)

    async def _alarm(self, lease: Lease, message: Message, cause: str) -> Unheard:
        """Operators, and the channels that the rule names."""
        request = await self.desk.store.load(Request, lease.request_id)
        duty = request.decision.obligations if request and request.decision else None
        addresses = dict.fromkeys((*self.desk.telling.operators, *(duty.tell if duty else ())))
        said = Said(f"{cause}|alarm", lease.request_id, cause)
        return await self.desk.tell.at(addresses, message, said=said)
