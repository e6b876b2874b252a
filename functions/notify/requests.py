"""Telling about requests: approvers with buttons, requesters with answers, channels aside."""

from dataclasses import dataclass

from functions.notify import words
from functions.notify.desk import Desk
from functions.notify.tell import Place, Said, Unheard
from keylease.domain.events import (
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestLapsed,
    RequestReviewNeeded,
    ReviewRecorded,
    ReviewRefused,
)
from keylease.domain.post import Post
from keylease.domain.request import Request, RequestStatus
from keylease.ports.chat import Message

AboutRequest = (
    RequestReviewNeeded
    | RequestApproved
    | RequestDenied
    | RequestLapsed
    | RequestCancelled
    | ReviewRecorded
    | ReviewRefused
)


@dataclass(frozen=True, slots=True)
class OfRequests:
    """One message per decision and place; buttons go when there is nothing to decide any more."""

    desk: Desk

    async def __call__(self, event: AboutRequest, /, *, cause: str) -> Unheard:
        request = await self.desk.store.load(Request, event.request_id)
        if request is None:
            return ()
        match event:
            case RequestReviewNeeded():
                return await self._ask(event, request, cause)
            case ReviewRecorded():
                return await self._recorded(event, request, cause)
            case ReviewRefused():
                return await self._refused(event, request, cause)
            case _:
                return await self._settled(event, request, cause)

    async def _ask(self, event: RequestReviewNeeded, request: Request, cause: str) -> Unheard:
        """Approvers hear of it in the rule's channels, and directly when they are few."""
        if request.status is not RequestStatus.IN_REVIEW:
            return ()
        tell, telling = self.desk.tell, self.desk.telling
        direct, unheard = await self._approvers(event, request)
        channels = event.tell or (() if direct else telling.operators)
        said = Said(_asking(request.id), request.id, cause, is_waiting=True)
        message = words.review_needed(request, telling=telling)
        for post in await self.desk.store.children(Post, request.id):
            await tell.replace(post, message)  # asked before, under other terms
        late = await tell.at(channels, message, said=said)
        later = await tell.everywhere(direct, message, said=said)
        waiting = words.waiting(event, request, telling=telling)
        answer = await self._answer(request, waiting, cause)
        return (*unheard, *late, *later, *answer)

    async def _approvers(
        self, event: RequestReviewNeeded, request: Request
    ) -> tuple[list[Place], Unheard]:
        groups = [await self.desk.directory.members(name) for name in event.approvers]
        found = {one.id for group in groups for one in group if not one.is_workload}
        people = sorted(found - {request.asked.requester})
        if len(people) > self.desk.telling.most_direct:
            return [], ()
        places = {id_: await self.desk.tell.person(id_) for id_ in people}
        reached = [place for place in places.values() if place is not None]
        return reached, tuple(id_ for id_, place in places.items() if place is None)

    async def _recorded(self, event: ReviewRecorded, request: Request, cause: str) -> Unheard:
        if request.status is RequestStatus.IN_REVIEW:
            message = words.review_needed(request, telling=self.desk.telling)
            for post in await self.desk.store.children(Post, request.id):
                await self.desk.tell.replace(post, message)
        said = Said(cause, request.id, cause)
        return await self.desk.tell.to(event.reviewer, words.review_recorded(event), said=said)

    async def _refused(self, event: ReviewRefused, request: Request, cause: str) -> Unheard:
        """Once per reason; a second click of somebody whose word has counted says nothing."""
        if not request.is_open and any(r.reviewer == event.reviewer for r in request.reviews):
            return ()
        said = Said(f"{request.id}|refused|{event.reviewer}|{event.reason}", request.id, cause)
        return await self.desk.tell.to(event.reviewer, words.review_refused(event), said=said)

    async def _settled(
        self,
        event: RequestApproved | RequestDenied | RequestLapsed | RequestCancelled,
        request: Request,
        cause: str,
    ) -> Unheard:
        aside: Unheard = ()
        match event:
            case RequestApproved():
                answer = words.approved(event, request)
                aside = await self._aside(event, words.approved_aside(event, request), cause)
            case RequestDenied():
                answer = words.denied(event, request)
                aside = await self._aside(event, words.denied_aside(event, request), cause)
            case RequestLapsed():
                answer = words.lapsed(request)
            case RequestCancelled():
                answer = words.cancelled(request)
        await self.desk.tell.settle(request.id, words.review_over(request))
        return (*aside, *await self._answer(request, answer, cause))

    async def _answer(self, request: Request, message: Message, cause: str) -> Unheard:
        said = Said(cause, request.id, cause)
        to = self.desk.tell.to
        return await to(request.asked.requester, message, said=said, first=request.origin)

    async def _aside(
        self, event: RequestApproved | RequestDenied, message: Message, cause: str
    ) -> Unheard:
        """The rule's channels, unless they were asked: then that message shows the end."""
        # The same key as the question: where that stands already, nothing new is said.
        said = Said(_asking(event.request_id), event.request_id, cause)
        return await self.desk.tell.at(event.tell, message, said=said)


def _asking(request_id: str) -> str:
    return f"{request_id}|review"
