"""Both runtimes on the golden corpus and on anything made of it: always a typed outcome."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from keylease.hosts.fc.builtin import Entry
from keylease.hosts.fc.custom import Serves, custom, serving
from keylease.hosts.fc.unit import Became
from tests.support.staged import Staged, staged

CORPUS = Path(__file__).parent / "corpus"
NAMES = sorted(path.name for path in CORPUS.iterdir())
PRODUCER = "https://orders.example.com/"
"""Who asks in the corpus."""
RUNTIMES = ("built-in", "custom")

Answer = dict[str, Any]
Call = Callable[[bytes], Answer]
"""From a thread without a loop, as the platform calls."""


def outcome(**became: int) -> Answer:
    return {"calm": True, **became}


DONE, IGNORED, PARKED = outcome(done=1), outcome(ignored=1), outcome(parked=1)
OUTCOMES: Mapping[str, tuple[Answer, Answer]] = {
    "destination-failure.json": (IGNORED, DONE),
    "destination-success.json": (IGNORED, IGNORED),
    "event-array.json": (outcome(done=1, ignored=1), outcome(done=1, ignored=1)),
    "event-single.json": (IGNORED, DONE),
    "foreign-event.json": (IGNORED, IGNORED),
    "http-base64.json": ({"statusCode": 401}, {"statusCode": 401}),
    "http-text.json": ({"statusCode": 401}, {"statusCode": 401}),
    "kafka-array.json": (DONE, IGNORED),
    "mns-queue-array.json": (outcome(done=3), outcome(ignored=3)),
    "mns-queue-single.json": (DONE, IGNORED),
    "mns-topic-attributes.json": (DONE, IGNORED),
    "mns-topic-json.json": (DONE, IGNORED),
    "mns-topic-raw.txt": (PARKED, PARKED),
    "mqtt-array.json": (DONE, IGNORED),
    "oss-array.json": (PARKED, PARKED),
    "rabbitmq-array.json": (DONE, IGNORED),
    "rocketmq-array.json": (DONE, IGNORED),
    "timer.json": (DONE, DONE),
}
"""What intake answers, and what decide does."""


@dataclass(frozen=True, slots=True)
class Context:
    """As much of the runtime's context as is read."""

    request_id: str = "1-64f6cd87-15a0b5c0"


@asynccontextmanager
async def runtime(kind: str, name: str, stage: Staged) -> AsyncIterator[Call]:
    """One function in one of the runtimes."""
    if kind == "built-in":
        entry = Entry(name, variables=stage.environment)
        yield lambda event: _read(entry.handler(event, Context()))
        await asyncio.to_thread(entry.pre_stop, Context())
        return
    function = custom(name, variables={**stage.environment, "FC_FUNCTION_NAME": name})
    async with serving(function, serves=Serves.EVENTS, host="127.0.0.1", port=0) as port:
        with posting(port) as call:
            yield call


@contextmanager
def posting(port: int) -> Iterator[Call]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(event: bytes) -> Answer:
        connection.request("POST", "/invoke", body=event)
        response = connection.getresponse()
        text = response.read()
        assert (response.status, response.headers["x-fc-status"]) == (200, None)
        return _read(text.decode())

    yield call
    connection.close()


def _read(answer: Answer | str) -> Answer:
    """An HTTP answer by its status only."""
    read: Answer = json.loads(answer) if isinstance(answer, str) else answer
    return {"statusCode": read["statusCode"]} if "statusCode" in read else read


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Staged]:
    async with staged(tmp_path) as found:
        sources = json.dumps(["urn:billing", PRODUCER])
        known = {**found.variables, "KEYLEASE_EVENTS__PRODUCERS__BILLING__SOURCES": sources}
        yield replace(found, variables=known)


def test_every_shape_of_the_corpus_has_an_outcome() -> None:
    assert sorted(OUTCOMES) == NAMES


@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize("name", ["intake", "decide"])
async def test_each_documented_shape_has_its_outcome(stage: Staged, name: str, kind: str) -> None:
    async with runtime(kind, name, stage) as call:
        answers = {
            shape: await asyncio.to_thread(call, (CORPUS / shape).read_bytes()) for shape in NAMES
        }

    expected = {shape: by[name != "intake"] for shape, by in OUTCOMES.items()}
    assert answers == expected


@pytest.mark.parametrize("kind", RUNTIMES)
async def test_one_bad_event_does_not_hold_up_the_batch_around_it(stage: Staged, kind: str) -> None:
    (good,) = json.loads((CORPUS / "kafka-array.json").read_text())
    broken = {**good, "data": {**good["data"], "value": "{"}}
    other = json.loads((CORPUS / "foreign-event.json").read_text())

    async with runtime(kind, "intake", stage) as call:
        batch = json.dumps([broken, good, other, 7, good]).encode()
        answer = await asyncio.to_thread(call, batch)

    assert answer == outcome(done=2, ignored=1, parked=2)


def deep(depth: int) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {"data": found}
    return found


DOCUMENTS = [json.loads((CORPUS / n).read_text()) for n in NAMES if n.endswith(".json")]
WORDS = st.sampled_from(
    sorted({word for n in NAMES for word in (CORPUS / n).read_text().split('"')[1::2]})
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS
LARGE: list[Any] = [deep(150), deep(230), [[]] * 50, "A" * 70_000, 10**400]
ODD = st.sampled_from([*map(json.dumps, LARGE), '"\\udc80"']).map(json.loads)
VALUES = (
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    )
    | ODD
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A document of the corpus in which some places hold something else, or nothing."""
    document = json.loads(json.dumps(draw(st.sampled_from(DOCUMENTS))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            holder[key] = draw(VALUES)
        else:
            del holder[key]
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(document)) if isinstance(document, list) else document
    if isinstance(document, list | dict):
        for key in keys:
            yield document, key
            yield from _places(document[key])


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """Bytes of a payload of the corpus with some of them changed."""
    whole = (CORPUS / draw(st.sampled_from(NAMES))).read_bytes()
    at, put = draw(st.integers(0, len(whole))), draw(st.binary(max_size=4))
    return whole[:at] + put + whole[at + draw(st.integers(0, 8)) :]


@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize("name", ["intake", "decide"])
async def test_anything_at_all_has_an_outcome(stage: Staged, name: str, kind: str) -> None:
    async with runtime(kind, name, stage) as call:

        @settings(max_examples=60, deadline=None)
        @given(st.binary() | torn() | spoiled())
        def answers(event: bytes) -> None:
            answer = call(event)
            if "statusCode" in answer:
                assert 200 <= answer["statusCode"] < 500
            else:
                assert answer.pop("calm") is True
                assert set(answer) <= set(Became)

        with capture_logs() as logs:
            await asyncio.to_thread(answers)

    assert [line for line in logs if line["event"] == "host.failed"] == []
