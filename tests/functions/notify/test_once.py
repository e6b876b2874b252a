"""Of two workers one says it; who dies at it is followed by another, later."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from keylease.adapters.memory.chat import MemoryChat
from keylease.converge.settle import about_lease
from keylease.domain.events import LeaseStuck
from keylease.domain.intake import Ask
from keylease.domain.people import ExternalId
from keylease.domain.post import SAYING
from keylease.errors import ProviderAmbiguous, ProviderBusy
from keylease.ports.chat import Message, Posted
from keylease.ports.handover import Shown
from tests.support.build import SUB_ORDERS
from tests.support.handover import Handover, activated
from tests.support.simulation import simulation

ANA_S = "slack:T1:UANA"


@dataclass(slots=True)
class SlowChat(MemoryChat):
    """Takes a message and answers when it is let go."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, person: ExternalId, message: Message, /) -> Posted:
        posted = await MemoryChat.tell(self, person, message)
        self.reached.set()
        await self.let_go.wait()
        return posted


@contextmanager
def nobody_waits(scene: Handover) -> Iterator[None]:
    """For the worker that comes while another one says it."""
    with pytest.raises(ProviderBusy, match="being_said") as refused:
        yield
    assert refused.value.retry_after == SAYING.total_seconds()
    assert len(scene.chat.heard) == 1


async def test_while_one_worker_sends_a_link_another_one_leaves_it_alone() -> None:
    chat = SlowChat()
    scene = Handover(chat=chat)
    lease = await scene.lease()

    async with asyncio.TaskGroup() as group:
        group.create_task(scene.hear(activated(lease), id_="evt-a"))
        await chat.reached.wait()
        with nobody_waits(scene):
            await scene.hear(activated(lease), id_="evt-a")
        chat.let_go.set()
    await scene.hear(activated(lease), id_="evt-a")

    assert len(chat.heard) == 1
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_who_dies_while_sending_a_link_is_followed_by_another_after_a_while() -> None:
    chat = SlowChat()
    scene = Handover(chat=chat)
    lease = await scene.lease()
    dying = asyncio.ensure_future(scene.hear(activated(lease), id_="evt-a"))
    await chat.reached.wait()
    dying.cancel()
    await asyncio.wait([dying])
    chat.let_go.set()

    with nobody_waits(scene):
        await scene.hear(activated(lease), id_="evt-a")
    scene.clock.advance(SAYING)
    await scene.hear(activated(lease), id_="evt-a")

    assert len(chat.heard) == 2
    assert isinstance(await scene.claim(scene.link()), Shown)


async def test_what_is_in_doubt_and_whose_worker_lives_is_said_again_without_waiting() -> None:
    scene = Handover()
    lease = await scene.lease()
    stuck = LeaseStuck(**about_lease(lease), problem="x")
    scene.chat.failures.append(ProviderAmbiguous("slack", "OutcomeUnknown"))

    with pytest.raises(ProviderAmbiguous):
        await scene.hear(stuck, id_="evt-a")
    await scene.hear(stuck, id_="evt-a")
    await scene.hear(stuck, id_="evt-a")

    assert [one.place for one in scene.chat.heard] == ["#ops"]


async def test_an_attempt_at_a_newer_link_leaves_the_older_message_known() -> None:
    chat = SlowChat()
    chat.let_go.set()
    scene = Handover(chat=chat)
    lease = await scene.lease()
    await scene.hear(activated(lease), id_="evt-a")
    chat.failures.append(ProviderAmbiguous("slack", "OutcomeUnknown"))

    with pytest.raises(ProviderAmbiguous):
        await scene.hear(activated(lease), id_="evt-b")

    (post,) = await scene.posts("rmq-demo/kl1#1")
    assert (post.stamp, post.cause, post.is_open, post.saying) == ("1", "evt-a", True, None)


async def test_two_processes_over_one_store_tell_everybody_once() -> None:
    world = simulation()
    one, two = await world.boot(), await world.boot()
    ask = Ask(
        target="rmq-demo",
        permissions=(SUB_ORDERS,),
        duration=timedelta(hours=1),
        reason="INC-1",
    )

    await one.receive(world.arrived("ana", ask))
    for _ in range(120):
        await one.tick()
        await asyncio.gather(one.relay(), two.relay())
        world.clock.advance(timedelta(seconds=1))

    texts = [(heard.place, heard.message.text) for heard in world.chat.heard]
    assert len(texts) == 2
    assert len(set(texts)) == 2
    assert len(world.links("ana")) == 1
