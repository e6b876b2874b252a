"""Intake: a verified message becomes a stored request, or an event for who acts on it.

It is on the path of the acknowledgement, so it decides nothing that needs the outside world.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta

from functions.intake import words
from functions.intake.asked import Reading, visible
from functions.intake.progress import Progress
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.events import ClaimAsked, ReleaseAsked, RequestSubmitted, ReviewGiven
from keylease.domain.intake import (
    Arrived,
    Ask,
    AskClaim,
    AskHelp,
    AskStatus,
    GiveReview,
    Release,
    Reply,
)
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.people import ExternalId, Principal
from keylease.domain.request import Asked, Request
from keylease.errors import BadInput
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog, Directory
from keylease.ports.store import Store

ANSWER_WITHIN = timedelta(hours=24)
LONGEST_WORD = 500
"""Characters of a reviewer's reason that are kept."""

Answer = tuple[Outcome, Reply]


@dataclass(frozen=True, slots=True)
class Intake:
    """Answers one message; the process commits the outcome together with the message's inbox id."""

    directory: Directory
    catalog: Catalog
    store: Store
    clock: Clock
    answer_within: timedelta = ANSWER_WITHIN

    async def __call__(self, arrived: Arrived, /) -> Answer:
        said = arrived.said
        named = said.on_behalf_of if isinstance(said, Ask) else None
        speaker = await self.directory.resolve(named or arrived.sender)
        if speaker is None:
            return self._stranger(named or arrived.sender, arrived=arrived)
        if isinstance(said, Ask):
            return await self._submit(said, arrived=arrived, requester=speaker)
        if isinstance(said, AskStatus | AskHelp):
            return NOTHING, await self._tell(said, reader=speaker)
        return await self._pass_on(said, sender=arrived.sender, speaker=speaker)

    def _stranger(self, who: ExternalId, *, arrived: Arrived) -> Answer:
        entry = self._entry("intake.refused", subject=str(who), arrived=arrived)
        return Outcome(audit=(entry,)), Reply(text=words.stranger(who), refused=True)

    async def _submit(self, ask: Ask, *, arrived: Arrived, requester: Principal) -> Answer:
        request_id = request_id_of(arrived)
        known = await self.store.load(Request, request_id)
        if known is not None:
            return NOTHING, _again(known, requester=requester)
        try:
            asked = Reading(self.catalog).asked(ask, requester=requester.id)
        except BadInput as e:
            return NOTHING, Reply(text=f"Nothing was requested: {e}.", refused=True)
        return self._submitted(request_id, asked, arrived=arrived)

    def _submitted(self, request_id: str, asked: Asked, *, arrived: Arrived) -> Answer:
        now = self.clock.now()
        request = Request(
            id=request_id,
            asked=asked,
            origin=arrived.sender,
            submitted_at=now,
            answer_by=now + self.answer_within,
        )
        facts = {
            "requester": asked.requester,
            "target": asked.target,
            "permissions": "; ".join(str(permission) for permission in asked.permissions),
            "account": asked.account or "",
            "duration": str(asked.duration),
            "ticket": asked.ticket or "",
        }
        outcome = Outcome(
            records=(request,),
            events=(RequestSubmitted(request_id=request_id),),
            audit=(self._entry("request.submitted", subject=request_id, arrived=arrived, **facts),),
        )
        return outcome, Reply(text=words.received(request), request_id=request_id)

    async def _tell(self, said: AskStatus | AskHelp, *, reader: Principal) -> Reply:
        if isinstance(said, AskHelp):
            known = tuple(entitlement.id for entitlement in self.catalog.entitlements())
            text = words.usage(said, entitlements=known)
            return Reply(text=text, refused=bool(said.problem))
        progress = Progress(self.store)
        if said.request_id is None:
            return await progress.of_all(reader)
        return await progress.of(said.request_id, reader=reader)

    async def _pass_on(
        self,
        said: GiveReview | Release | AskClaim,
        /,
        *,
        sender: ExternalId,
        speaker: Principal,
    ) -> Answer:
        """Leave it to the function that consumes the event, when there is such a request."""
        if isinstance(said, AskClaim) and "/" in said.request_id:
            return await self._claim_password(said, owner=speaker)
        request = await self.store.load(Request, said.request_id)
        is_others = isinstance(said, AskClaim) and (
            request is None or request.asked.requester != speaker.id
        )
        if request is None or is_others:
            return NOTHING, Reply(text=words.absent(said.request_id), refused=True)
        if isinstance(said, GiveReview) and speaker.is_workload:
            return NOTHING, Reply(text=words.WORKLOADS_DO_NOT_REVIEW, refused=True)
        event = _event(said, sender=sender, speaker=speaker)
        return Outcome(events=(event,)), Reply(text=words.noted(said), request_id=request.id)

    async def _claim_password(self, said: AskClaim, *, owner: Principal) -> Answer:
        """A rotated password belongs to no request; its account's owner asks by the account."""
        account = await self.store.load(Account, said.request_id)
        if account is None or account.owner != owner.id:
            return NOTHING, Reply(text=words.absent(said.request_id), refused=True)
        event = ClaimAsked(request_id=account.id, by=owner.id)
        return Outcome(events=(event,)), Reply(text=words.noted(said))

    def _entry(self, action: str, *, subject: str, arrived: Arrived, **facts: str) -> AuditEntry:
        detail = {"source": arrived.source, "tenant": arrived.tenant, "key": arrived.key, **facts}
        return AuditEntry(
            at=self.clock.now(),
            action=action,
            subject=subject,
            actor=str(arrived.sender),
            detail={**detail},
        )


def request_id_of(arrived: Arrived, /) -> str:
    """Derived from the message, so that a copy of it meets the same request."""
    text = f"{arrived.source}|{arrived.tenant}|{arrived.key}"
    digest = hashlib.sha256(text.encode()).digest()
    return f"req-{base64.b32encode(digest).decode().lower()[:10]}"


def _again(known: Request, *, requester: Principal) -> Reply:
    if known.asked.requester != requester.id:
        return Reply(text=words.ID_USED_BEFORE, refused=True)
    return Reply(text=words.received(known), request_id=known.id)


def _event(
    said: GiveReview | Release | AskClaim, *, sender: ExternalId, speaker: Principal
) -> ReviewGiven | ReleaseAsked | ClaimAsked:
    match said:
        case GiveReview():
            return ReviewGiven(
                request_id=said.request_id,
                reviewer=speaker.id,
                verdict=said.verdict,
                digest=said.digest,
                platform=sender.platform,
                tenant=sender.tenant,
                sender=sender.subject,
                reason=" ".join(visible(said.reason).split())[:LONGEST_WORD],
            )
        case Release():
            return ReleaseAsked(request_id=said.request_id, by=speaker.id)
        case AskClaim():
            return ClaimAsked(request_id=said.request_id, by=speaker.id)


FUNCTION = Function(
    name="intake",
    handler=Intake,
    emits=frozenset({RequestSubmitted, ReviewGiven, ReleaseAsked, ClaimAsked}),
)
