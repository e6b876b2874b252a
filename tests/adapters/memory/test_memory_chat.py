"""The chat that tests listen to is as strict as a real one."""

import pytest

from keylease.adapters.memory.chat import MemoryChat, MemoryChats
from keylease.adapters.memory.sink import MemorySink
from keylease.domain.events import Event, RequestLapsed
from keylease.domain.people import ExternalId
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, ProviderNotFound, ProviderTransient
from keylease.ports.chat import Message
from tests.support.build import NOW

ANA = ExternalId(platform="slack", tenant="T1", subject="UANA")


async def test_a_link_is_never_posted_to_a_channel() -> None:
    chat = MemoryChat()

    with pytest.raises(InvariantBroken):
        await chat.post("#ops", Message(text="x", link=Secret("https://k.example/claim/t")))

    assert chat.heard == []


async def test_what_stands_somewhere_includes_updates() -> None:
    chat = MemoryChat()
    posted = await chat.tell(ANA, Message(text="first"))

    await chat.update(posted, Message(text="second"))

    assert [message.text for message in chat.standing("slack:T1:UANA")] == ["second"]
    assert [one.message.text for one in chat.heard] == ["first"]


async def test_unknown_places_and_planned_failures_say_nothing() -> None:
    chat = MemoryChat(unknown={"#gone"}, failures=[None, ProviderTransient("slack", "NotSent")])

    with pytest.raises(ProviderNotFound):
        await chat.post("#gone", Message(text="x"))
    with pytest.raises(ProviderTransient):
        await chat.post("#ops", Message(text="x"))

    assert chat.heard == []


def test_addresses_of_other_platforms_are_not_reached() -> None:
    chats = MemoryChats()

    assert chats.of(ANA) is chats.chat
    assert chats.of(ANA.evolve(platform="webhook")) is None
    assert chats.at("slack:#ops") == (chats.chat, "#ops")
    assert chats.at("teams:#ops") is None
    assert chats.at("slack:") is None


async def test_a_sink_fails_as_planned_and_then_takes_the_event() -> None:
    sink = MemorySink(failures=[ProviderTransient("sink", "NotSent")])
    event = Event.of(RequestLapsed(request_id="req-1"), id="evt-1", time=NOW)

    with pytest.raises(ProviderTransient):
        await sink.deliver(event)
    await sink.deliver(event)

    assert sink.events == [event]
