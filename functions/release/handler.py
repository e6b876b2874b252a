"""Release: end a lease early, or take an open request back."""

from dataclasses import dataclass

from keylease.approval.terms import refusal
from keylease.converge.settle import about_lease
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event, LeaseEndDue, ReleaseAsked, RequestCancelled, ReviewRefused
from keylease.domain.lease import EndReason, Lease
from keylease.domain.outcome import NOTHING, Outcome
from keylease.domain.request import Request, RequestStatus
from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.directory import Directory
from keylease.ports.store import Store


@dataclass(frozen=True, slots=True)
class Release:
    """Consumes what holders (release) and approvers (revoke) ask for."""

    store: Store
    clock: Clock
    directory: Directory

    async def __call__(self, event: Event, /) -> Outcome:
        asked = event.read(ReleaseAsked)
        request = await self.store.load(Request, asked.request_id)
        if request is None:
            return NOTHING
        is_own = asked.by == request.asked.requester
        if not is_own and not await self._may_revoke(asked.by, request):
            why = "only its holder, or somebody who may approve it, can end it"
            event_ = ReviewRefused(request_id=request.id, reviewer=asked.by, reason=why)
            return Outcome(events=(event_,), audit=(self._entry("release.refused", asked),))
        if request.is_open:
            return self._cancel(request, asked)
        return await self._end(request, asked, is_own=is_own)

    async def _may_revoke(self, by: str, request: Request) -> bool:
        principal = await self.directory.principal(by)
        return principal is not None and not refusal(principal, request)

    def _cancel(self, request: Request, asked: ReleaseAsked) -> Outcome:
        words = (f"taken back by {asked.by}",)
        cancelled = request.settle(RequestStatus.CANCELLED, now=self.clock.now(), because=words)
        return Outcome(
            records=(cancelled,),
            events=(RequestCancelled(request_id=request.id),),
            audit=(self._entry("request.cancelled", asked),),
        )

    async def _end(self, request: Request, asked: ReleaseAsked, *, is_own: bool) -> Outcome:
        lease = await self.store.load(Lease, request.lease_id) if request.lease_id else None
        if lease is None:
            return NOTHING
        reason = EndReason.RELEASED if is_own else EndReason.REVOKED
        ending = lease.end(reason, now=self.clock.now(), by=asked.by)
        if ending == lease:  # it is ending, or over, already
            return NOTHING
        return Outcome(
            records=(ending,),
            events=(LeaseEndDue(**about_lease(ending)),),
            audit=(self._entry(f"lease.{reason}", asked),),
        )

    def _entry(self, action: str, asked: ReleaseAsked) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(), action=action, subject=asked.request_id, actor=asked.by
        )


FUNCTION = Function(
    name="release",
    handler=Release,
    consumes=frozenset({ReleaseAsked}),
    emits=frozenset({LeaseEndDue, RequestCancelled, ReviewRefused}),
)
