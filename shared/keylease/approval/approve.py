"""Approve: the one way a request becomes a lease, and deny, the one way it does not."""

from dataclasses import dataclass

from keylease.converge.admit import Full, Room, admit, username_for
from keylease.domain.access import account_id
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.decision import Decision
from keylease.domain.events import RequestApproved, RequestDenied, RequestReviewNeeded
from keylease.domain.lease import Lease
from keylease.domain.outcome import Outcome
from keylease.domain.request import Request, RequestStatus
from keylease.domain.slots import Slots
from keylease.errors import InvariantBroken
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.store import Store


@dataclass(frozen=True, slots=True)
class Approve:
    """Settles requests; commits nothing itself."""

    store: Store
    clock: Clock
    catalog: Catalog

    async def __call__(self, request: Request, /, *, by: tuple[str, ...] = ()) -> Outcome:
        """Settle it with a lease, or deny it when no account can serve it.

        The account is part of the commit, so that what was read of its leases still holds then.
        """
        admitted = admit(request, await self._room(request), now=self.clock.now())
        if isinstance(admitted, Full):
            return self.deny(request, admitted.reasons)
        lease = admitted.lease
        settled = request.evolve(lease_id=lease.id).settle(
            RequestStatus.APPROVED, now=self.clock.now(), because=_reasons(request.decision)
        )
        event = RequestApproved(
            request_id=request.id,
            lease_id=lease.id,
            account_id=lease.account_id,
            rule=_rule(request.decision),
            approved_by=by,
            tell=_tell(request.decision),
        )
        entry = self._entry(settled, by=", ".join(by) or "policy")
        return Outcome(records=(settled, *admitted.records), events=(event,), audit=(entry,))

    def deny(
        self, request: Request, reasons: tuple[str, ...], /, *, by: str | None = None
    ) -> Outcome:
        """Settle it with every reason."""
        denied = request.settle(RequestStatus.DENIED, now=self.clock.now(), because=reasons)
        event = RequestDenied(
            request_id=request.id,
            rule=_rule(request.decision),
            reasons=reasons,
            denied_by=by,
            tell=_tell(request.decision),
        )
        entry = self._entry(denied, by=by or "policy")
        return Outcome(records=(denied,), events=(event,), audit=(entry,))

    def ask(self, request: Request, decision: Decision, /) -> Outcome:
        """Ask the people whom the decision names; what was said under an older one is void."""
        duty = decision.obligations
        waiting = request.evolve(decision=decision, status=RequestStatus.IN_REVIEW, reviews=())
        event = RequestReviewNeeded(
            request_id=request.id,
            rule=str(decision.rule),
            approvals=duty.approvals if duty else 0,
            approvers=tuple(sorted(duty.approvers)) if duty else (),
            tell=duty.tell if duty else (),
        )
        entry = self._entry(waiting, by="policy")
        return Outcome(records=(waiting,), events=(event,), audit=(entry,))

    async def _room(self, request: Request) -> Room:
        asked = request.asked
        target = self.catalog.target(asked.target)
        if target is None:
            msg = f"target {asked.target} was permitted but is not in the catalog"
            raise InvariantBroken(msg)
        username = username_for(asked, request_id=request.id)
        id_ = account_id(target=target.id, username=username)
        declared = (s for s in self.catalog.standing() if s.id == id_)
        return Room(
            target=target,
            standing=next(declared, None) if asked.account else None,
            account=await self.store.load(Account, id_),
            leases=await self.store.children(Lease, id_),
            slots=await self.store.load(Slots, target.id) if target.account_limit else None,
        )

    def _entry(self, request: Request, *, by: str) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            action=f"request.{request.status}",
            subject=request.id,
            actor=by,
            detail={
                "requester": request.asked.requester,
                "rule": _rule(request.decision),
                "reasons": list(request.settled_because),
                "digest": request.digest,
            },
        )


def _rule(decision: Decision | None) -> str:
    return str(decision.rule) if decision and decision.rule else "no rule"


def _reasons(decision: Decision | None) -> tuple[str, ...]:
    return decision.reasons if decision else ()


def _tell(decision: Decision | None) -> tuple[str, ...]:
    return decision.obligations.tell if decision and decision.obligations else ()
