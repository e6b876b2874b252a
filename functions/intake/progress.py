"""Answers from the store: how far a reader's requests are, and nothing of anybody else's."""

from dataclasses import dataclass

from functions.intake import words
from keylease.domain.intake import Reply
from keylease.domain.lease import Lease
from keylease.domain.people import Principal
from keylease.domain.request import Request
from keylease.ports.store import Store

LISTED = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads requests for one store."""

    store: Store

    async def of(self, request_id: str, /, *, reader: Principal) -> Reply:
        """One request; to a stranger it is as absent as one that never was."""
        request = await self.store.load(Request, request_id)
        if request is None or not _may_see(request, reader):
            return Reply(text=words.absent(request_id), refused=True)
        return Reply(text=await self._line(request), request_id=request.id)

    async def of_all(self, reader: Principal, /) -> Reply:
        """The newest requests of the reader."""
        requests = await self.store.children(Request, reader.id, only_open=False, limit=LISTED)
        lines = [await self._line(request) for request in requests]
        return Reply(text="\n".join(lines) or words.NOTHING_ASKED)

    async def _line(self, request: Request) -> str:
        lease = await self.store.load(Lease, request.lease_id) if request.lease_id else None
        return words.progress(request, lease=lease)


def _may_see(request: Request, reader: Principal) -> bool:
    """Its requester, and the people who may approve it."""
    duty = request.decision.obligations if request.decision else None
    approvers = duty.approvers if duty else frozenset()
    return request.asked.requester == reader.id or not approvers.isdisjoint(
        {reader.id, *reader.groups}
    )
