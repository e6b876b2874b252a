"""Notify: tell people what happened and what they can do, each once.

What was said is remembered at once, so that an event that comes again says nothing twice. Nothing
depends on it: who cannot be told stands in the audit log, and sinks get every result event too.
"""

from dataclasses import dataclass

from functions.notify.accounts import OfAccounts
from functions.notify.desk import Desk
from functions.notify.leases import OfLeases
from functions.notify.links import Links
from functions.notify.requests import OfRequests
from functions.notify.tell import Tell, Unheard
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.events import (
    ClaimAsked,
    ClaimRepeated,
    CredentialClaimed,
    CredentialRotated,
    Event,
    EventData,
    LeaseActivated,
    LeaseClaimed,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestLapsed,
    RequestReviewNeeded,
    ReviewRecorded,
    ReviewRefused,
    RotationFailed,
)
from keylease.domain.outcome import Outcome
from keylease.domain.request import Request
from keylease.domain.telling import Telling
from keylease.function import Function
from keylease.ports.chat import Chats
from keylease.ports.clock import Clock
from keylease.ports.directory import Directory
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store

TOLD: frozenset[type[EventData]] = frozenset(
    {
        RequestReviewNeeded,
        RequestApproved,
        RequestDenied,
        RequestLapsed,
        RequestCancelled,
        ReviewRecorded,
        ReviewRefused,
        LeaseActivated,
        LeaseClaimed,
        LeaseEnded,
        LeaseFailed,
        LeaseStuck,
        ClaimAsked,
        ClaimRepeated,
        CredentialRotated,
        CredentialClaimed,
        RotationFailed,
    }
)


@dataclass(frozen=True, slots=True)
class Notify:
    """Consumes whatever somebody should hear of."""

    store: Store
    journal: Journal
    clock: Clock
    secrets: Secrets
    directory: Directory
    chats: Chats
    telling: Telling

    async def __call__(self, event: Event, /) -> Outcome:
        kinds = {kind.type: kind for kind in TOLD}
        unheard = await self._tell(event.read(kinds[event.type]), cause=event.id)
        return Outcome(audit=tuple(self._entry(event, whom) for whom in unheard))

    async def _tell(self, content: EventData, *, cause: str) -> Unheard:
        desk = self._desk()
        match content:
            case LeaseActivated() | LeaseEnded() | LeaseFailed() | LeaseStuck() | LeaseClaimed():
                return await OfLeases(desk)(content, cause=cause)
            case CredentialRotated() | CredentialClaimed() | RotationFailed() | ClaimRepeated():
                return await OfAccounts(desk)(content, cause=cause)
            case RequestReviewNeeded() | RequestApproved() | RequestDenied() | RequestLapsed():
                return await OfRequests(desk)(content, cause=cause)
            case RequestCancelled() | ReviewRecorded() | ReviewRefused():
                return await OfRequests(desk)(content, cause=cause)
            case ClaimAsked():
                return await self._ask_again(desk, content, cause)
            case _:
                return ()

    async def _ask_again(self, desk: Desk, asked: ClaimAsked, cause: str) -> Unheard:
        """A new link: to what a request gave, or to a rotated account's password."""
        request = await self.store.load(Request, asked.request_id)
        if request is not None:
            return await OfLeases(desk).ask_again(asked, request, cause=cause)
        account = await self.store.load(Account, asked.request_id)
        if account is not None:
            return await OfAccounts(desk).ask_again(asked, account, cause=cause)
        return ()

    def _desk(self) -> Desk:
        store, journal, clock = self.store, self.journal, self.clock
        tell = Tell(store, journal, clock, self.directory, self.chats)
        links = Links(store, journal, clock, self.secrets, self.telling, tell)
        return Desk(store, self.directory, tell, links, self.telling)

    def _entry(self, event: Event, whom: str) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            action="notify.unreachable",
            subject=event.subject,
            actor="keylease",
            detail={"whom": whom, "event": event.type},
        )


FUNCTION = Function(name="notify", handler=Notify, consumes=TOLD)
