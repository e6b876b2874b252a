"""What the policy says of a request right now; asked at decision, at review and again at grant."""

from dataclasses import dataclass
from datetime import datetime

from keylease.domain.decision import Decision, Effect, Obligations
from keylease.domain.lease import Lease
from keylease.domain.people import Principal
from keylease.domain.request import Asked, Request, RequestStatus, Verdict
from keylease.policy.evaluate import Policy
from keylease.policy.facts import Facts
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog, Directory
from keylease.ports.store import Store


@dataclass(frozen=True, slots=True)
class Terms:
    """Gathers the facts that a decision needs, as they are now, and decides."""

    store: Store
    clock: Clock
    directory: Directory
    catalog: Catalog
    policy: Policy

    async def decide(self, asked: Asked, /, *, at: datetime | None = None) -> Decision:
        """The policy's answer; a fact that cannot be read is a deny that says so.

        `at` is the instant that windows of hours are compared with; by default now.
        """
        declared = (s for s in self.catalog.standing() if s.target == asked.target)
        facts = Facts(
            principal=await self.directory.principal(asked.requester),
            target=self.catalog.target(asked.target),
            entitlement=self.catalog.entitlement(asked.entitlement) if asked.entitlement else None,
            standing=next((s for s in declared if s.username == asked.account), None),
            members=await self._members(),
        )
        return self.policy.decide(asked, facts=facts, now=at or self.clock.now())

    async def broken(self, lease: Lease, /) -> str:
        """Why a lease that was approved may not be granted any more; empty when it may."""
        request = await self.store.load(Request, lease.request_id)
        if request is None or request.decision is None:
            return "its request is not in the store"
        # Hours are about the decision: who asked at 19:59 is not refused at 20:01.
        decision = await self.decide(request.asked, at=request.decision.decided_at)
        if decision.effect is Effect.DENY:
            return "; ".join(decision.reasons)
        missing = await self.missing(request)
        if missing:
            return f"{missing} of its approvals do not count any more"
        more = await self.missing(request, duty=decision.obligations)
        return (
            f"the policy has changed: it lacks {more} approvals that are asked now" if more else ""
        )

    async def missing(self, request: Request, /, *, duty: Obligations | None = None) -> int:
        """How many approvals are missing, counting only people who may still give one.

        By default of those that were asked for; `duty` is what another policy asks for.
        """
        duty = duty or (request.decision.obligations if request.decision else None)
        if duty is None:
            return 0
        approving = {r.reviewer for r in request.reviews if r.verdict is Verdict.APPROVE}
        valid = [id_ for id_ in approving if await self._may_review(id_, request, duty)]
        return max(0, duty.approvals - len(valid))

    async def _may_review(self, reviewer: str, request: Request, duty: Obligations) -> bool:
        principal = await self.directory.principal(reviewer)
        return principal is not None and not refusal(principal, request, duty=duty)

    async def _members(self) -> dict[str, tuple[Principal, ...] | None]:
        """Who could approve, for every name that a rule asks for."""
        return {name: await self.directory.members(name) for name in self.policy.approver_groups}


def asks_otherwise(decision: Decision, request: Request, /) -> bool:
    """Whether the policy asks for other approvals now than when people were asked."""
    before = request.decision.obligations if request.decision else None
    now = decision.obligations
    if decision.effect is not Effect.REVIEW or before is None or now is None:
        return False
    return (before.approvals, before.approvers) != (now.approvals, now.approvers)


def objection(reviewer: Principal | None, request: Request, /, *, now: datetime) -> str:
    """Why this person's word would not count on this request now; empty when it would."""
    if request.status is RequestStatus.SUBMITTED:
        return "the policy has not answered it yet; try again in a moment"
    if request.status is not RequestStatus.IN_REVIEW:
        return f"the request is already {request.status}"
    if request.answer_by <= now:  # sweep will say so to everybody
        return "the time to answer it is over"
    if reviewer is None:
        return "the directory does not know you"
    if any(review.reviewer == reviewer.id for review in request.reviews):
        return "you have already reviewed it"
    return refusal(reviewer, request)


def refusal(reviewer: Principal, request: Request, /, *, duty: Obligations | None = None) -> str:
    """Why this person's word does not count on this request; empty when it does."""
    duty = duty or (request.decision.obligations if request.decision else None)
    if reviewer.id == request.asked.requester:
        return "nobody reviews their own request"
    if reviewer.is_workload:
        return "a workload may ask, but never review"
    if duty is None or not duty.approvers & (reviewer.groups | {reviewer.id}):
        return "you are not among the people that the rule names"
    return ""
