"""Every record and every event comes back from JSON as it was."""

import importlib
import pkgutil
import re
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keylease.domain
from keylease.domain.events import Event, EventData
from keylease.domain.people import ExternalId
from keylease.domain.record import Record
from keylease.domain.rows import instant, micros, record_row
from tests.domain.strategies import any_of, instants
from tests.support.build import NOW

T = TypeVar("T")

for module in pkgutil.iter_modules(keylease.domain.__path__, "keylease.domain."):
    importlib.import_module(module.name)


def leaves(kind: type[T]) -> set[type[T]]:
    """All classes below it that nothing is derived from."""
    below = {leaf for child in kind.__subclasses__() for leaf in leaves(child)}
    return below or {kind}


def of_keylease(kind: type[T]) -> list[type[T]]:
    """Those that keylease itself defines, by name."""
    ours = (leaf for leaf in leaves(kind) if leaf.__module__.startswith("keylease."))
    return sorted(ours, key=lambda leaf: leaf.__name__)


RECORDS = of_keylease(Record)
EVENTS = of_keylease(EventData)

quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_all_kinds_are_found() -> None:
    assert {kind.__name__ for kind in RECORDS} >= {
        *("Account", "Credential", "Lease", "Post", "Request", "Rotation", "Slots"),
    }
    assert len(EVENTS) >= 25


@pytest.mark.parametrize("kind", RECORDS)
@quick
@given(drawn=st.data())
def test_a_record_comes_back_from_json(kind: type[Record], drawn: st.DataObject) -> None:
    record = drawn.draw(any_of(kind))

    again = kind.model_validate_json(record.model_dump_json())

    assert again == record
    assert (again.is_open, again.sweep_at, again.parent, again.handle) == (
        record.is_open,
        record.sweep_at,
        record.parent,
        record.handle,
    )


@pytest.mark.parametrize("kind", RECORDS)
@quick
@given(drawn=st.data())
def test_a_row_says_what_the_next_version_says(kind: type[Record], drawn: st.DataObject) -> None:
    record = drawn.draw(any_of(kind))

    row = record_row(record)

    stored = kind.model_validate_json(row.body)
    assert stored == record.stored()
    assert (row.kind, row.id, row.version) == (kind.kind, record.id, record.version + 1)
    assert (row.parent, row.handle, row.is_open) == (stored.parent, stored.handle, stored.is_open)
    assert (None if row.sweep_at is None else instant(row.sweep_at)) == stored.sweep_at


def test_no_two_records_share_a_kind() -> None:
    kinds = [record.kind for record in RECORDS]

    assert len(set(kinds)) == len(kinds)


def test_a_plain_record_is_open_and_belongs_to_nothing() -> None:
    class Plain(Record):
        kind = "plain"

    plain = Plain(id="p")

    assert (plain.is_open, plain.sweep_at, plain.parent, plain.handle) == (True, None, None, None)
    assert plain.stored() == Plain(id="p", version=1)


@given(instants)
def test_instants_survive_as_whole_microseconds(at: object) -> None:
    assert instant(micros(at)) == at  # type: ignore[arg-type]  # st.datetimes makes datetimes


@pytest.mark.parametrize("kind", EVENTS)
@quick
@given(drawn=st.data())
def test_an_event_comes_back_with_its_content(kind: type[EventData], drawn: st.DataObject) -> None:
    content = drawn.draw(any_of(kind))
    event = Event.of(content, id="e1", time=NOW, traceparent="00-a-b-01")

    again = Event.model_validate_json(event.model_dump_json())

    assert again == event
    assert again.read(kind) == content
    assert again.subject == content.subject
    assert (again.type, again.traceparent) == (kind.type, "00-a-b-01")


def test_event_types_are_past_participles_of_our_own_and_each_its_own() -> None:
    types = [kind.type for kind in EVENTS]

    assert len(set(types)) == len(types)
    assert [t for t in types if not re.fullmatch(r"io\.keylease\.[a-z]+\.[a-z_]+\.v1", t)] == []


@pytest.mark.parametrize("kind", EVENTS)
@quick
@given(drawn=st.data())
def test_only_a_named_occasion_gives_an_event_an_id_of_its_own(
    kind: type[EventData], drawn: st.DataObject
) -> None:
    content = drawn.draw(any_of(kind))
    occasion = getattr(content, "occasion", "")

    expected = f"{kind.type}/{content.subject}/{occasion}" if occasion else None
    assert content.natural_id == expected


def test_content_without_a_subject_is_no_event() -> None:
    with pytest.raises(NotImplementedError):
        _ = EventData().subject


def test_an_outside_id_reads_as_one_line() -> None:
    assert str(ExternalId(platform="slack", tenant="T1", subject="U1")) == "slack:T1:U1"
