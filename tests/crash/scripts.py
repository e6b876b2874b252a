"""What people do in each crash story, in steps that are repeated when nothing came back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from keylease.domain.intake import Arrived, Ask, GiveReview, Release, Said
from keylease.domain.request import Request, Verdict
from keylease.ports.handover import Shown
from keylease.runtime.process import Process
from tests.support.build import BOTH_ORDERS, SUB_ORDERS, permission
from tests.support.simulation import Simulation

HOUR = timedelta(hours=1)
GROUP = permission("group:GID_orders", "Sub")


@dataclass
class Story:
    """One run: what was said (so that it can be said again word for word) and what was revealed."""

    world: Simulation
    said: dict[str, Arrived] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)

    def is_told(self) -> bool:
        """Whether what the story is about did happen."""
        happened = {event.type for event in self.world.sink.events}
        leased = {"io.keylease.lease.activated.v1", "io.keylease.lease.ended.v1"}
        return leased <= happened or "io.keylease.credential.rotated.v1" in happened

    async def say(self, process: Process, label: str, who: str, said: Said) -> None:
        """Say it; the same words and the same message id when it has to be said again."""
        message = self.said.setdefault(label, self.world.arrived(who, said))
        reply = await process.receive(message)
        if reply.request_id:
            self.requests[label] = reply.request_id
        await self.world.calm(process)

    async def claim(self, process: Process, who: str) -> None:
        """Open the newest link."""
        links = self.world.links(who)
        assert links, f"{who} was sent no link"
        claimed = await self.world.claim(process, links[-1])
        if isinstance(claimed, Shown):
            self.shown.append(claimed)


Step = Callable[[Story, Process], Awaitable[None]]


def ask(label: str, who: str, **fields: object) -> Step:
    async def step(story: Story, process: Process) -> None:
        said = Ask.model_validate({"duration": HOUR, "reason": "INC-1", **fields})
        await story.say(process, label, who, said)

    return step


def approve(label: str, who: str) -> Step:
    async def step(story: Story, process: Process) -> None:
        request = await story.world.store.load(Request, story.requests[label])
        assert request is not None
        said = GiveReview(request_id=request.id, verdict=Verdict.APPROVE, digest=request.digest)
        await story.say(process, f"approve {label}", who, said)

    return step


def release(label: str, who: str) -> Step:
    async def step(story: Story, process: Process) -> None:
        said = Release(request_id=story.requests[label])
        await story.say(process, f"release {label}", who, said)

    return step


def claim(who: str) -> Step:
    async def step(story: Story, process: Process) -> None:
        await story.claim(process, who)

    return step


def later(by: timedelta) -> Step:
    async def step(story: Story, process: Process) -> None:
        await story.world.pass_time(process, by, step=by / 8)
        await story.world.calm(process)

    return step


DEDICATED = (
    ask("a", "ana", target="rmq-demo", permissions=(SUB_ORDERS, GROUP)),
    claim("ana"),
    release("a", "ana"),
)
CACHE = (
    ask("a", "ana", entitlement="cache-write"),
    claim("ana"),
    later(HOUR),
)
STANDING = (
    ask("a", "ana", target="rmq-demo", permissions=(BOTH_ORDERS,), account="svc_orders"),
    approve("a", "bo"),
    release("a", "ana"),
)
ROTATION = (
    later(timedelta(seconds=8)),
    later(timedelta(days=7, minutes=1)),
    claim("bo"),
)
STORIES: dict[str, tuple[Step, ...]] = {
    "dedicated": DEDICATED,
    "cache": CACHE,
    "standing": STANDING,
    "rotation": ROTATION,
}
