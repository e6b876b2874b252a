"""The built-in runtime: plain calls, one loop, whatever the bytes are."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keylease.errors import Misconfigured, ProviderTransient
from keylease.hosts.fc.builtin import Entry, seconds_of
from keylease.runtime.wiring import running
from tests.support.staged import PUBLIC, Staged, asking, staged

CORPUS = Path(__file__).parent / "corpus"

TIMER = b'{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"sweep","payload":""}'


@dataclass(frozen=True)
class FunctionOf:
    timeout: float = 20


@dataclass(frozen=True)
class Context:
    """As much of the runtime's context as is read."""

    request_id: str = "1-64f6cd87-15a0b5c0"
    function: FunctionOf = field(default_factory=FunctionOf)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Staged]:
    async with staged(tmp_path) as found:
        yield found


async def called(entry: Entry, event: bytes) -> Any:
    """Its answer; the runtime calls from a thread that has no loop."""
    answer = await asyncio.to_thread(entry.handler, event, Context())
    return json.loads(answer) if isinstance(answer, str) else answer


@pytest.fixture
async def entries(stage: Staged) -> AsyncIterator[dict[str, Entry]]:
    names = ("intake", "decide", "sweep", "claim")
    made = {name: Entry(name, variables=stage.environment) for name in names}
    yield made
    for entry in made.values():
        await asyncio.to_thread(entry.pre_stop, Context())


async def test_a_queue_s_messages_become_a_lease(stage: Staged, entries: dict[str, Entry]) -> None:
    batch = json.dumps([asking("a"), asking("b"), {"nonsense": 1}]).encode()

    answer = await called(entries["intake"], batch)

    assert answer == {"calm": True, "done": 2, "parked": 1}
    types = [event["type"] for event in stage.receiver.events]
    assert types.count("io.keylease.lease.activated.v1") == 2


async def test_an_event_of_ours_runs_its_function_once(
    stage: Staged, entries: dict[str, Entry]
) -> None:
    event = submitted("req-absent")

    first = await called(entries["decide"], json.dumps(event).encode())
    again = await called(entries["decide"], json.dumps([event, event]).encode())

    assert first == {"calm": True, "done": 1}
    assert again == {"calm": True, "done": 2}
    assert stage.receiver.events == []


async def test_an_event_that_brings_nothing_writes_nothing(
    stage: Staged, entries: dict[str, Entry]
) -> None:
    await asyncio.to_thread(entries["decide"].initialize, Context())
    with closing(sqlite3.connect(stage.folder / "keylease.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else can write

        answer = await called(entries["decide"], json.dumps(submitted("req-absent")).encode())

    assert answer == {"calm": True, "done": 1}


async def test_an_event_that_another_function_consumes_is_left_alone(
    entries: dict[str, Entry],
) -> None:
    event = submitted("req-1", type="io.keylease.review.given.v1")

    assert await called(entries["decide"], json.dumps(event).encode()) == {
        "calm": True,
        "ignored": 1,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "https://evil.example.com"},
        {"data": {}},
        {"data": {"request_id": "req-2"}},
        {"time": "yesterday"},
        {"id": 7},
    ],
)
async def test_an_event_that_is_not_ours_or_broken_is_parked_without_its_content(
    stage: Staged, entries: dict[str, Entry], changes: dict[str, Any]
) -> None:
    event = submitted("req-1", **changes)

    answer = await called(entries["decide"], json.dumps(event).encode())

    async with running(stage.settings, functions=()) as keylease:
        parked = await keylease.store.parked(limit=10)
    assert answer == {"calm": True, "parked": 1}
    assert [one.parcel.outgoing.destination for one in parked] == ["refused:decide"]
    assert set(parked[0].parcel.outgoing.event.data) == {"problem", "digest", "size"}
    assert parked[0].reason == parked[0].parcel.outgoing.event.data["problem"]


@pytest.mark.parametrize(
    ("name", "type_", "content"),
    [
        (
            "review",
            "io.keylease.review.given.v1",
            {
                "reviewer": "bo",
                "verdict": "approve",
                "digest": "",
                "platform": "slack",
                "tenant": "T0DEMO",
                "sender": "U0BO00001",
            },
        ),
        ("release", "io.keylease.release.asked.v1", {"by": "ana"}),
        ("decide", "io.keylease.request.answer_due.v1", {}),
    ],
)
async def test_nobody_s_word_is_taken_from_a_bus(
    stage: Staged, name: str, type_: str, content: dict[str, str]
) -> None:
    entry = Entry(name, variables=stage.environment)
    event = submitted("req-1", type=type_, data={"request_id": "req-1", **content})

    answer = await called(entry, json.dumps(event).encode())
    await asyncio.to_thread(entry.pre_stop, Context())

    assert answer == {"calm": True, "parked": 1}


async def test_no_words_from_a_bus_are_told_to_people(stage: Staged) -> None:
    entry = Entry("notify", variables=stage.environment)
    words = {"request_id": "req-1", "reason": "call 555-0100 for your password", "lease_id": ""}
    event = submitted("req-1", type="io.keylease.request.denied.v1", data=words)

    answer = await called(entry, json.dumps(event).encode())
    await asyncio.to_thread(entry.pre_stop, Context())

    assert answer == {"calm": True, "ignored": 1}


async def test_a_request_at_a_function_that_takes_none_is_left_alone(
    entries: dict[str, Entry],
) -> None:
    assert await called(entries["decide"], json.dumps(asking()).encode()) == {
        "calm": True,
        "ignored": 1,
    }


async def test_a_producer_that_may_not_come_through_the_queue_is_parked(
    entries: dict[str, Entry],
) -> None:
    event = asking(source="urn:stranger")

    assert await called(entries["intake"], json.dumps(event).encode()) == {
        "calm": True,
        "parked": 1,
    }


async def test_a_call_of_the_http_trigger_is_answered_as_by_any_other_host(
    stage: Staged, entries: dict[str, Entry]
) -> None:
    headers = {
        "Authorization": f"Bearer {stage.bearer}",
        "Content-Type": "application/cloudevents+json",
    }

    taken = await called(entries["intake"], http("/events", asking(), headers=headers))
    refused = await called(entries["intake"], http("/events", asking(), headers={}))
    healthy = await called(entries["intake"], http("/healthz", method="GET"))
    nowhere = await called(entries["intake"], http("/nowhere", method="GET"))

    assert taken["statusCode"] == 202
    assert "is received" in json.loads(taken["body"])["replies"][0]["text"]
    assert (refused["statusCode"], refused["body"]) == (401, "")
    assert (healthy["statusCode"], json.loads(healthy["body"])) == (200, {"status": "ok"})
    assert nowhere["statusCode"] == 404


async def test_the_claim_page_is_served_where_claim_runs(entries: dict[str, Entry]) -> None:
    page = await called(entries["claim"], http("/claim/unknown", method="GET"))
    none = await called(entries["intake"], http("/claim/unknown", method="GET"))

    assert page["headers"]["cache-control"] == "no-store, max-age=0"
    assert "text/html" in page["headers"]["content-type"]
    assert none["statusCode"] == 404


async def test_the_timer_drives_what_an_http_call_left_behind(
    stage: Staged, entries: dict[str, Entry]
) -> None:
    headers = {
        "Authorization": f"Bearer {stage.bearer}",
        "Content-Type": "application/cloudevents+json",
    }
    await called(entries["intake"], http("/events", asking(), headers=headers))
    before = list(stage.receiver.events)

    answer = await called(entries["sweep"], TIMER)

    assert before == []
    assert answer == {"calm": True, "done": 1}
    assert stage.receiver.events[-1]["type"] == "io.keylease.lease.activated.v1"


async def test_the_hooks_may_come_in_any_order_and_any_number(stage: Staged) -> None:
    entry = Entry("decide", variables=stage.environment)

    for hook in (entry.pre_stop, entry.initialize, entry.initialize, entry.pre_stop):
        await asyncio.to_thread(hook, Context())
    answer = await called(entry, json.dumps(submitted("req-absent")).encode())
    for hook in (entry.pre_stop, entry.pre_stop):
        await asyncio.to_thread(hook, Context())

    assert answer == {"calm": True, "done": 1}


async def test_an_initializer_says_what_is_missing(tmp_path: Path) -> None:
    entry = Entry("decide", variables={"KEYLEASE_CONFIG": str(tmp_path / "none.yaml")})

    with pytest.raises(Misconfigured, match=r"none\.yaml"):
        await asyncio.to_thread(entry.initialize, Context())
    await asyncio.to_thread(entry.pre_stop, Context())


async def test_what_cannot_be_stored_fails_the_call(stage: Staged) -> None:
    entry = Entry("intake", variables=stage.environment)
    await asyncio.to_thread(entry.initialize, Context())
    with sqlite3.connect(stage.folder / "keylease.db", isolation_level=None) as locked:
        locked.execute("BEGIN EXCLUSIVE")

        with pytest.raises(ProviderTransient):
            await called(entry, json.dumps(asking()).encode())

        locked.execute("ROLLBACK")
    answer = await called(entry, json.dumps(asking()).encode())
    await asyncio.to_thread(entry.pre_stop, Context())

    assert answer == {"calm": True, "done": 1}


@pytest.mark.parametrize(
    ("context", "seconds"),
    [(Context(), 20.0), (object(), 60.0), (Context(function=FunctionOf(timeout=0)), 60.0)],
)
def test_a_call_may_take_as_long_as_its_function(context: object, seconds: float) -> None:
    assert seconds_of(context) == seconds


async def test_any_bytes_at_all_are_answered(stage: Staged) -> None:
    entry = Entry("intake", variables=stage.environment)
    document = st.sampled_from(sorted(CORPUS.iterdir())).map(lambda path: path.read_bytes())
    places = st.tuples(document, st.integers(0, 4000), st.binary(max_size=3))
    spoiled = places.map(lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + len(one[2]) :])

    @settings(max_examples=60, deadline=None)
    @given(st.binary() | spoiled)
    def answers(event: bytes) -> None:
        answer = entry.handler(event, Context())
        assert isinstance(answer, dict) or set(json.loads(answer)) <= {
            "calm",
            "done",
            "ignored",
            "kept",
            "parked",
        }

    await asyncio.to_thread(answers)
    await asyncio.to_thread(entry.pre_stop, Context())


def submitted(request_id: str, **changes: Any) -> dict[str, Any]:
    """What the bus says when a request was stored."""
    event = {
        "specversion": "1.0",
        "id": "evt-1",
        "source": PUBLIC,
        "type": "io.keylease.request.submitted.v1",
        "subject": "req-1" if changes else request_id,
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"request_id": request_id},
    }
    return {**event, **changes}


def http(
    path: str, body: object = None, *, method: str = "POST", headers: dict[str, str] | None = None
) -> bytes:
    """A call as the HTTP trigger hands it over."""
    text = "" if body is None else json.dumps(body)
    call = json.loads((CORPUS / "http-text.json").read_text())
    call |= {"rawPath": path, "headers": headers or {}, "body": text}
    call["requestContext"]["http"] |= {"method": method, "path": path}
    return json.dumps(call).encode()
