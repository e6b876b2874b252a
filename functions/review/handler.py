"""Review: count one person's word on one request, and settle it when enough have spoken."""

from dataclasses import dataclass, replace

from keylease.approval.approve import Approve
from keylease.approval.terms import Terms, asks_otherwise, objection
from keylease.domain.audit import AuditEntry
from keylease.domain.decision import Decision, Effect
from keylease.domain.events import (
    Event,
    RequestApproved,
    RequestDenied,
    RequestReviewNeeded,
    ReviewGiven,
    ReviewRecorded,
    ReviewRefused,
)
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.people import ExternalId
from keylease.domain.request import Request, Review, Verdict
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.directory import Directory
from keylease.ports.store import Store

CHANGED = "the request has changed since it was shown to you; look at it again"


@dataclass(frozen=True, slots=True)
class TakeReview:
    """Consumes verified clicks and commands; races are settled by the request's version."""

    store: Store
    clock: Clock
    directory: Directory
    terms: Terms
    approve: Approve

    async def __call__(self, event: Event, /) -> Outcome:
        given = event.read(ReviewGiven)
        request = await self.store.load(Request, given.request_id)
        if request is None:
            return NOTHING
        refused = await self._refusal(given, request)
        if refused:
            return self._refuse(given, refused)
        reviewed = request.evolve(reviews=(*request.reviews, self._review(given, request)))
        if given.verdict == Verdict.DENY:
            reasons = (given.reason or f"denied by {given.reviewer}",)
            return self.approve.deny(reviewed, reasons, by=given.reviewer)
        return await self._approve_or_wait(given, request, reviewed)

    async def _refusal(self, given: ReviewGiven, request: Request) -> str:
        """Why this review does not count; empty when it does."""
        reviewer = await self.directory.principal(given.reviewer)
        refused = objection(reviewer, request, now=self.clock.now())
        is_stale = bool(given.digest) and given.digest != request.digest
        return refused or (CHANGED if is_stale else "")

    async def _approve_or_wait(
        self, given: ReviewGiven, shown: Request, request: Request
    ) -> Outcome:
        decision = await self.terms.decide(request.asked)
        if decision.effect is Effect.DENY:  # the policy was tightened meanwhile
            return self.approve.deny(request, decision.reasons)
        if asks_otherwise(decision, shown):
            return self._ask_anew(given, shown, decision)
        missing = await self.terms.missing(request)
        if missing:
            event = ReviewRecorded(
                request_id=request.id,
                reviewer=given.reviewer,
                verdict=given.verdict,
                missing=missing,
            )
            entry = self._entry("review.recorded", given)
            return Outcome(records=(request,), events=(event,), audit=(entry,))
        return await self.approve(request, by=tuple(sorted({r.reviewer for r in request.reviews})))

    def _ask_anew(self, given: ReviewGiven, request: Request, decision: Decision) -> Outcome:
        """Nobody's word stands under terms that they were not shown."""
        asked = self.approve.ask(request, decision)
        refused = self._refuse(given, CHANGED)
        return replace(
            asked,
            events=(*asked.events, *refused.events),
            audit=(*asked.audit, *refused.audit),
        )

    def _review(self, given: ReviewGiven, request: Request) -> Review:
        return Review(
            reviewer=given.reviewer,
            verdict=Verdict(given.verdict),
            digest=request.digest,
            at=self.clock.now(),
            via=ExternalId(platform=given.platform, tenant=given.tenant, subject=given.sender),
            reason=given.reason,
        )

    def _refuse(self, given: ReviewGiven, why: str) -> Outcome:
        event = ReviewRefused(request_id=given.request_id, reviewer=given.reviewer, reason=why)
        return Outcome(events=(event,), audit=(self._entry("review.refused", given, why=why),))

    def _entry(self, action: str, given: ReviewGiven, *, why: str = "") -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            action=action,
            subject=given.request_id,
            actor=given.reviewer,
            detail={"verdict": given.verdict, "why": why},
        )


FUNCTION = Function(
    name="review",
    handler=TakeReview,
    consumes=frozenset({ReviewGiven}),
    emits=frozenset(
        {RequestApproved, RequestDenied, RequestReviewNeeded, ReviewRecorded, ReviewRefused}
    ),
)
