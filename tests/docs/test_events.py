"""The page of events says what the code says."""

import inspect
import json

from keylease.domain import events
from keylease.domain.cloudevent import as_cloudevent
from keylease.domain.events import Event, EventData, LeaseActivated
from keylease.runtime.bundle import load_function
from keylease.runtime.routes import ROUTES
from tests.docs.pages import DOCS, blocks_of, code, rows

PAGE = DOCS / "events.md"
KINDS = [
    kind
    for kind in vars(events).values()
    if inspect.isclass(kind) and issubclass(kind, EventData) and "type" in vars(kind)
]


def short(kind: type[EventData]) -> str:
    return kind.type.removeprefix("io.keylease.").removesuffix(".v1")


def test_every_event_stands_on_the_page_with_when_it_is_true() -> None:
    said = {code(row[0])[0]: row[1] for row in rows(PAGE.read_text())}

    assert said == {short(kind): (inspect.getdoc(kind) or "").splitlines()[0] for kind in KINDS}


def test_every_field_of_an_event_stands_on_the_page() -> None:
    said = {code(row[0])[0]: code(row[2]) for row in rows(PAGE.read_text())}

    assert said == {short(kind): list(kind.model_fields) for kind in KINDS}


def test_the_page_says_who_emits_an_event() -> None:
    emits = {route.name: load_function(route.name).emits for route in ROUTES}
    outside = {"timer.ticked": {"the host's timer"}}
    outside["rotation.due"] = {"command line"}

    for row in rows(PAGE.read_text()):
        name = code(row[0])[0]
        makers = {one for one, kinds in emits.items() if name in map(short, kinds)}
        assert set(row[3].split(", ")) == makers | outside.get(name, set())


def test_the_page_says_who_gets_an_event() -> None:
    said = {code(row[0])[0]: row[4].split(", ") for row in rows(PAGE.read_text())}

    for kind in KINDS:
        takers = [route.name for route in ROUTES if kind in route.consumes]
        assert said[short(kind)] == takers + (["sinks"] if kind.is_result else [])


def test_the_example_is_what_a_receiver_gets() -> None:
    example = next(block for block in blocks_of(PAGE) if block.language == "json")
    event = Event.model_validate_json(
        example.text.replace('"specversion": "1.0",', "")
        .replace('"datacontenttype": "application/json",', "")
        .replace('"source": "https://keylease.example.com",', "")
    )

    told = as_cloudevent(event, source="https://keylease.example.com")

    assert event.read(LeaseActivated).target == "rmq-prod"
    assert set(told) == set(json.loads(example.text))
