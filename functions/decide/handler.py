"""Decide: answer a submitted request by the policy: yes, no, or ask people."""

from dataclasses import dataclass

from keylease.approval.approve import Approve
from keylease.approval.terms import Terms
from keylease.domain.audit import AuditEntry
from keylease.domain.decision import Effect
from keylease.domain.events import (
    Event,
    RequestAnswerDue,
    RequestApproved,
    RequestDenied,
    RequestLapsed,
    RequestReviewNeeded,
    RequestSubmitted,
)
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.request import Request, RequestStatus
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.store import Store


@dataclass(frozen=True, slots=True)
class Decide:
    """Consumes submitted requests, and open ones whose time to be answered is over."""

    store: Store
    clock: Clock
    terms: Terms
    approve: Approve

    async def __call__(self, event: Event, /) -> Outcome:
        request = await self.store.load(Request, event.subject)
        if request is None or not request.is_open:
            return NOTHING
        if request.answer_by <= self.clock.now():
            return self._lapse(request)
        if request.status is RequestStatus.IN_REVIEW:
            return NOTHING
        decision = await self.terms.decide(request.asked)
        decided = request.evolve(decision=decision)
        match decision.effect:
            case Effect.DENY:
                return self.approve.deny(decided, decision.reasons)
            case Effect.PERMIT:
                return await self.approve(decided)
            case Effect.REVIEW:
                return self.approve.ask(request, decision)

    def _lapse(self, request: Request) -> Outcome:
        lapsed = request.settle(
            RequestStatus.LAPSED, now=self.clock.now(), because=("nobody answered in time",)
        )
        event = RequestLapsed(request_id=request.id)
        return Outcome(records=(lapsed,), events=(event,), audit=(self._entry(lapsed),))

    def _entry(self, request: Request) -> AuditEntry:
        rule = request.decision.rule if request.decision else None
        return AuditEntry(
            at=self.clock.now(),
            action=f"request.{request.status}",
            subject=request.id,
            actor="policy",
            detail={"rule": str(rule) if rule else None, "digest": request.digest},
        )


FUNCTION = Function(
    name="decide",
    handler=Decide,
    consumes=frozenset({RequestSubmitted, RequestAnswerDue}),
    emits=frozenset({RequestApproved, RequestDenied, RequestReviewNeeded, RequestLapsed}),
)
