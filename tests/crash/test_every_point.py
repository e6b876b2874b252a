"""Every side effect of the main job and of rotation, killed before, after, or left unanswered.

Each story runs once to learn its points, then once for every point and kind: the process dies
there, a new one starts over the same store and cloud, and the person repeats the step that gave no
answer. At the end all invariants hold.
"""

from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import get_type_hints

import pytest

from keylease.domain.telling import Telling
from keylease.errors import KeyleaseError
from keylease.function import Function
from keylease.policy.evaluate import Policy
from keylease.ports.accounts import Accounts
from keylease.ports.chat import Chat, Chats
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog, Directory
from keylease.ports.ids import Ids
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.sinks import Sink
from keylease.ports.store import Store
from keylease.runtime.bundle import load_function
from keylease.runtime.process import Process
from keylease.runtime.routes import ROUTES
from keylease.turn import TURN
from tests.crash.invariants import holds
from tests.crash.points import EFFECTS, READS, Killed, Kind, Tracked, Tracker, effects_of, telling
from tests.crash.scripts import STORIES, Story
from tests.support.simulation import simulation

OVER = 2 * TURN
"""After this a turn that died with its process is free again."""
AFTER_THE_STORY = timedelta(hours=2)


async def play(name: str, tracker: Tracker) -> Story:
    """Run a story; whenever the process dies, start another one and do the step again."""
    world = simulation()
    story = Story(world)
    world.wrap = tracker.wrap
    process = await start(story, tracker)
    for step in STORIES[name]:
        while True:
            try:
                await step(story, process)
                if tracker.died:  # a lost answer kills nobody, but it costs time
                    await story.world.pass_time(process, OVER, step=OVER / 8)
                break
            except BaseExceptionGroup as e:
                if not is_planned(e):
                    raise
            except (Killed, KeyleaseError):
                pass
            process = await start(story, tracker)
            await story.world.pass_time(process, OVER, step=OVER / 8)
    await rest(story, process, tracker)
    return story


async def rest(story: Story, process: Process, tracker: Tracker) -> None:
    """Time passes until every lease is over; a death here is survived like any other."""
    while True:
        try:
            await story.world.pass_time(process, AFTER_THE_STORY, step=timedelta(minutes=4))
            await story.world.calm(process)
        except BaseExceptionGroup as e:
            if not is_planned(e):
                raise
            process = await start(story, tracker)
        except (Killed, KeyleaseError):
            process = await start(story, tracker)
        else:
            return


def is_planned(e: BaseExceptionGroup) -> bool:
    """Whether the crash that we planned is all that went wrong."""
    return (
        e.subgroup(lambda one: not isinstance(one, Killed | KeyleaseError | BaseExceptionGroup))
        is None
    )


async def start(story: Story, tracker: Tracker) -> Process:
    process = await story.world.boot(tracker.wrap)
    sinks = {name: Tracked(sink, Sink, tracker) for name, sink in process.sinks.items()}
    return Process(commits=process.commits, functions=process.functions, sinks=sinks)


@pytest.mark.parametrize("name", STORIES)
async def test_the_stories_are_told_without_crashes(name: str) -> None:
    story = await play(name, Tracker())

    await holds(story)
    assert story.is_told()
    assert story.shown or name == "standing"


@pytest.mark.parametrize("name", STORIES)
async def test_invariants_hold_whatever_dies_where(name: str) -> None:
    tracker = Tracker()
    await play(name, tracker)
    points = telling(tracker.passed)
    assert len(points) > 20

    for point in points:
        for kind in Kind:
            armed = Tracker(armed=(point, kind))
            try:
                story = await play(name, armed)
                assert armed.died, "the point was not passed"
                await holds(story)
                assert story.is_told()
            except Exception as e:
                e.add_note(f"story {name}, {point}, {kind}")
                raise


@pytest.mark.parametrize("port", [Store, Accounts, Chat, Chats, Sink])
def test_every_method_of_a_port_is_a_named_point_or_a_read(port: type) -> None:
    known = EFFECTS.get(port, frozenset()) | READS.get(port, frozenset())

    assert effects_of(port) == known


def ports_of(kind: type) -> set[type]:
    """Types of a dataclass's fields, looked into while they are dataclasses themselves."""
    hints = get_type_hints(kind)
    found: set[type] = set()
    for one in fields(kind):
        hint = hints[one.name]
        found |= ports_of(hint) if isinstance(hint, type) and is_dataclass(hint) else {hint}
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_handlers_touch_the_world_only_through_tracked_ports(route: Function) -> None:
    handler = load_function(route.name).handler
    assert isinstance(handler, type)
    # Journal is a commit to the tracked store; the others have no effect outside the process.
    harmless = {Clock, Ids, Secrets, Journal, Catalog, Directory, Policy, Telling, timedelta}

    assert ports_of(handler) <= harmless | {Store, Accounts, Chats}
