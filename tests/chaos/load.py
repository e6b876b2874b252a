"""Sends wishes as Slack, a ticket tool and a producer of events do, and answers what comes."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random  # noqa: TID251  # seeded: a run can be had again
from typing import Any

import aiohttp
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook

from tests.chaos.stage import Stage
from tests.chaos.wishes import Door, End, Wish
from tests.e2e.playing import ANA, BO, OfficialSlack

PERSON = {"platform": "slack", "tenant": "T0DEMO", "subject": ANA}
PATIENCE = 120.0
AGAIN = 0.2
"""Pause before a call that was not taken is made again."""
LOOKS_EVERY = 0.05
SAYS = {"request.review_needed", "lease.activated"}
"""Events that somebody answers."""

Call = Callable[[str], Awaitable[str]]
"""Makes one call at that address: the id of the request that its answer names."""


@dataclass(slots=True)
class Load:
    """Everybody outside of keylease."""

    stage: Stage
    dice: Random
    at_once: int
    """Calls under way."""
    made: dict[str, Wish] = field(default_factory=dict)
    """What has been asked, by the id of the request."""
    answers: Counter[str] = field(default_factory=Counter)
    """How calls ended that were not taken."""
    places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.at_once)

    async def send(self, wishes: tuple[Wish, ...], /, *, over: float) -> None:
        """All of them, spread over so many seconds, until each is taken."""
        async with asyncio.TaskGroup() as group:
            for wish in wishes:
                group.create_task(self._ask(wish))
                await asyncio.sleep(over / len(wishes))

    async def react(self) -> None:
        """Answer the events that the receiver gets, until cancelled."""
        seen = 0
        async with asyncio.TaskGroup() as group:
            while True:
                news = self.stage.receiver.events[seen:]
                seen += len(news)
                for event in news:
                    group.create_task(self._reaction(event["type"], event["subject"]))
                await asyncio.sleep(LOOKS_EVERY)

    async def release_all(self) -> None:
        """End what stays."""
        async with asyncio.TaskGroup() as group:
            for request_id, wish in self.made.items():
                if wish.end is End.STAYS and wish.is_permitted:
                    group.create_task(self._types(ANA, f"release {request_id}"))

    async def _reaction(self, event_type: str, request_id: str) -> None:
        what = event_type.removeprefix("io.keylease.").removesuffix(".v1")
        if what not in SAYS:
            return
        wish = await self._wish_of(request_id)
        if what == "request.review_needed":
            await self._types(BO, f"{wish.verdict} {request_id}", is_doubled=True)
        elif wish.end is End.RELEASED:
            await self._types(ANA, f"release {request_id}", is_doubled=wish.is_doubled)

    async def _wish_of(self, request_id: str) -> Wish:
        """The event may be here before the answer to the request."""
        async with asyncio.timeout(PATIENCE):
            while request_id not in self.made:  # noqa: ASYNC110  # a dictionary only answers
                await asyncio.sleep(LOOKS_EVERY)
        return self.made[request_id]

    async def _ask(self, wish: Wish) -> None:
        calls: dict[Door, Callable[[Wish], Call]] = {
            Door.SLACK: self._by_slack,
            Door.WEBHOOK: self._by_webhook,
            Door.EVENTS: self._by_event,
        }
        request_id = await self._taken(calls[wish.door](wish), is_doubled=wish.is_doubled)
        assert self.made.setdefault(request_id, wish) is wish, "two requests have one id"

    async def _types(self, user: str, text: str, *, is_doubled: bool = False) -> None:
        await self._taken(
            self._typed(user, text, trigger=text.replace(" ", "-")), is_doubled=is_doubled
        )

    async def _taken(self, call: Call, /, *, is_doubled: bool) -> str:
        """What an intake says to the call; a doubled one is made to two intakes at once."""
        first = self.dice.randrange(len(self.stage.intakes))
        async with self.places:
            said = await asyncio.gather(
                *(self._persist(call, first=first + n) for n in range(2 if is_doubled else 1))
            )
        assert len(set(said)) == 1, f"one message, two answers: {said}"
        return said[0]

    async def _persist(self, call: Call, /, *, first: int) -> str:
        """Make it again until it is taken, as every sender does."""
        async with asyncio.timeout(PATIENCE):
            for turn in count(first):
                intake = self.stage.intakes[turn % len(self.stage.intakes)]
                if intake.ready.is_set():
                    try:
                        return await call(intake.url)
                    except (aiohttp.ClientError, TimeoutError) as e:
                        self._note(e)
                await asyncio.sleep(AGAIN)
        raise AssertionError("unreachable")

    def _note(self, e: Exception) -> None:
        """A message that is right is taken, or cannot be kept for now."""
        status = e.status if isinstance(e, aiohttp.ClientResponseError) else 0
        self.answers[str(status or type(e).__name__)] += 1
        assert status in {0, 503}, f"a call was answered {status}"

    def _by_slack(self, wish: Wish, /) -> Call:
        text = f"request {wish.entitlement} for {wish.duration} because {wish.reason}"
        return self._typed(ANA, text, trigger=wish.reason)

    def _typed(self, user: str, text: str, /, *, trigger: str) -> Call:
        async def type_it(url: str) -> str:
            secret = self.stage.variables["DEMO_SLACK_SIGNING_SECRET"]
            slack = OfficialSlack(url=url, secret=secret, session=self.stage.session)
            answer = await slack.types(user, text, trigger=trigger)
            return str(answer["text"]).split(" ", 1)[0]

        return type_it

    def _by_webhook(self, wish: Wish, /) -> Call:
        content = {"type": "access.request", "data": {**_form(wish), "requester": PERSON}}
        body, message_id = json.dumps(content), f"msg_{wish.number}"

        async def post(url: str) -> str:
            now = datetime.now(UTC)  # noqa: TID251  # the sender's own clock
            proof = Webhook(self.stage.variables["DEMO_TICKETS_SECRET"])
            headers = {
                "content-type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": proof.sign(message_id, now, body),
            }
            answer = await self._post(f"{url}/hooks/webhook/tickets", body.encode(), headers)
            return str(answer["request_id"])

        return post

    def _by_event(self, wish: Wish, /) -> Call:
        attributes = {
            "id": f"evt-{wish.number}",
            "source": "urn:billing",
            "type": "io.keylease.access.request.v1",
            "specversion": "1.0",
            "datacontenttype": "application/json",
        }
        message = to_structured_event(CloudEvent(attributes=attributes, data=_form(wish)))
        token = self.stage.variables["DEMO_BILLING_TOKEN"]
        headers = {**message.headers, "authorization": f"Bearer {token}"}

        async def post(url: str) -> str:
            answer = await self._post(f"{url}/events", bytes(message.body or b""), headers)
            return str(answer["replies"][0]["request_id"])

        return post

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        async with self.stage.session.post(url, data=body, headers=headers) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer


def _form(wish: Wish) -> dict[str, str]:
    return {
        "entitlement": wish.entitlement,
        "duration": wish.duration,
        "reason": wish.reason,
    }
