"""Intake: a verified message becomes a stored request, or an event for who acts on it.

It is on the path of the acknowledgement, so it decides nothing that needs the outside world.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta

from functions.intake import words
from functions.intake.asked import Reading, visible
from keylease.domain.audit import AuditEntry
from keylease.domain.events import ClaimAsked, EventData, ReleaseAsked, RequestSubmitted, ReviewGiven
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
from keylease.domain.lease import Lease
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.people import ExternalId, Principal
from keylease.domain.request import Request
from keylease.errors import BadInput
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog, Directory
from keylease.ports.store import Store

ANSWER_WITHIN = timedelta(hours=24)
LISTED = 10

Answer = tuple[Outcome, Reply]


@dataclass(frozen=True, slots=True)
class Intake:
    """Answers one message; the process commits the outcome together with the message's inbox id."""

    directory: Directory
    catalog: Catalog
    store: Store
    clock: Clock

    async def __call__(self, arrived: Arrived, /) -> Answer:
        speaker = await self._speaker(arrived)
        if speaker is None:
            return self._stranger(arrived)
        match arrived.said:
            case Ask() as ask:
                return await self._submit(arrived, ask, requester=speaker)
            case GiveReview() as given:
                return await self._review(arrived, given, reviewer=speaker)
            case Release(request_id=request_id):
                event = ReleaseAsked(request_id=request_id, by=speaker.id)
                return await self._pass_on(event, text=f"{request_id}: ending it is on its way.")
            case AskClaim(request_id=request_id):
                return await self._claim(request_id, holder=speaker)
            case AskStatus(request_id=None):
                return NOTHING, Reply(text=await self._mine(speaker))
            case AskStatus(request_id=str(request_id)):
                return NOTHING, await self._one(request_id, reader=speaker)
            case AskHelp() as ask_help:
                known = tuple(entitlement.id for entitlement in self.catalog.entitlements())
                text = words.usage(ask_help, entitlements=known)
                return NOTHING, Reply(text=text, refused=bool(ask_help.problem))

    async def _speaker(self, arrived: Arrived) -> Principal | None:
        """The one whom the message speaks for: the sender, or whom a trusted one files for."""
        said = arrived.said
        named = said.on_behalf_of if isinstance(said, Ask) else None
        return await self.directory.resolve(named or arrived.sender)

    def _stranger(self, arrived: Arrived) -> Answer:
        who = arrived.sender
        if isinstance(arrived.said, Ask) and arrived.said.on_behalf_of:
            who = arrived.said.on_behalf_of
        entry = self._entry("intake.refused", str(who), actor=arrived.sender, arrived=arrived)
        return Outcome(audit=(entry,)), Reply(text=words.stranger(who), refused=True)

    async def _submit(self, arrived: Arrived, ask: Ask, *, requester: Principal) -> Answer:
        request_id = request_id_of(arrived)
        known = await self.store.load(Request, request_id)
        if known is not None:
            return NOTHING, _again(known, requester=requester)
        try:
            asked = Reading(self.catalog).asked(ask, requester=requester.id)
        except BadInput as e:
            return NOTHING, Reply(text=f"Nothing was requested: {e}.", refused=True)
        now = self.clock.now()
        request = Request(
            id=request_id,
            asked=asked,
            origin=arrived.sender,
            submitted_at=now,
            answer_by=now + ANSWER_WITHIN,
        )
        outcome = Outcome(
            records=(request,),
            events=(RequestSubmitted(request_id=request.id),),
            audit=(self._submitted(request, arrived=arrived),),
        )
        return outcome, Reply(text=words.received(request), request_id=request.id)

    def _submitted(self, request: Request, *, arrived: Arrived) -> AuditEntry:
        asked = request.asked
        return self._entry(
            "request.submitted",
            request.id,
            actor=arrived.sender,
            arrived=arrived,
            requester=asked.requester,
            target=asked.target,
            permissions="; ".join(str(permission) for permission in asked.permissions),
            duration=str(asked.duration),
            ticket=asked.ticket or "",
        )

    async def _review(self, arrived: Arrived, given: GiveReview, *, reviewer: Principal) -> Answer:
        if reviewer.is_workload:
            return NOTHING, Reply(text="A workload may ask, it may not review.", refused=True)
        event = ReviewGiven(
            request_id=given.request_id,
            reviewer=reviewer.id,
            verdict=given.verdict,
            digest=given.digest,
            platform=arrived.sender.platform,
            tenant=arrived.sender.tenant,
            sender=arrived.sender.subject,
            reason=" ".join(visible(given.reason).split())[:500],
        )
        return await self._pass_on(event, text=f"{given.request_id}: your word is noted.")

    async def _claim(self, request_id: str, *, holder: Principal) -> Answer:
        request = await self.store.load(Request, request_id)
        if request is None or request.asked.requester != holder.id:
            return NOTHING, Reply(text=words.absent(request_id), refused=True)
        event = ClaimAsked(request_id=request_id, by=holder.id)
        return await self._pass_on(event, text=f"{request_id}: a new link comes to you alone.")

    async def _pass_on(self, event: EventData, *, text: str) -> Answer:
        """Leave it to the function that consumes the event, when there is such a request."""
        request_id = event.subject
        if await self.store.load(Request, request_id) is None:
            return NOTHING, Reply(text=words.absent(request_id), refused=True)
        return Outcome(events=(event,)), Reply(text=text, request_id=request_id)

    async def _mine(self, reader: Principal) -> str:
        requests = await self.store.children(Request, reader.id, only_open=False, limit=LISTED)
        lines = [await self._line(request) for request in requests]
        return "\n".join(lines) or "You have asked for nothing yet. 'help' shows how."

    async def _one(self, request_id: str, *, reader: Principal) -> Reply:
        request = await self.store.load(Request, request_id)
        if request is None or not _may_see(request, reader):
            return Reply(text=words.absent(request_id), refused=True)
        return Reply(text=await self._line(request), request_id=request.id)

    async def _line(self, request: Request) -> str:
        lease = await self.store.load(Lease, request.lease_id) if request.lease_id else None
        return words.progress(request, lease=lease)

    def _entry(
        self, action: str, subject: str, *, actor: ExternalId, arrived: Arrived, **facts: str
    ) -> AuditEntry:
        detail = {"source": arrived.source, "tenant": arrived.tenant, "key": arrived.key, **facts}
        return AuditEntry(
            at=self.clock.now(), action=action, subject=subject, actor=str(actor), detail={**detail}
        )


def request_id_of(arrived: Arrived, /) -> str:
    """Derived from the message, so that a copy of it meets the same request."""
    words_ = f"{arrived.source}|{arrived.tenant}|{arrived.key}"
    digest = hashlib.sha256(words_.encode()).digest()
    return f"req-{base64.b32encode(digest).decode().lower()[:10]}"


def _again(known: Request, *, requester: Principal) -> Reply:
    if known.asked.requester != requester.id:
        text = "This message id was used before for another request; send a new id."
        return Reply(text=text, refused=True)
    return Reply(text=words.received(known), request_id=known.id)


def _may_see(request: Request, reader: Principal) -> bool:
    """Its requester, and the people who may approve it."""
    duty = request.decision.obligations if request.decision else None
    approvers = duty.approvers if duty else frozenset()
    return request.asked.requester == reader.id or not approvers.isdisjoint(
        {reader.id, *reader.groups}
    )


FUNCTION = Function(
    name="intake",
    handler=Intake,
    emits=frozenset({RequestSubmitted, ReviewGiven, ReleaseAsked, ClaimAsked}),
)
