"""What machines and signed messages may say, before any of it is believed."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue, ValidationError

from keylease.domain.cloudevent import as_cloudevent, encode
from keylease.domain.events import Event, RequestCancelled
from keylease.domain.filing import ReviewForm, named, read_form
from keylease.domain.genuine import check_time, read_json
from keylease.domain.intake import Ask, AskStatus, GiveReview, Release
from keylease.domain.people import ExternalId
from keylease.domain.request import Verdict
from keylease.domain.telling import Telling
from keylease.domain.trust import Machine, Trust
from keylease.errors import BadInput, NotGenuine
from tests.support.build import NOW, permission

CI = ExternalId(platform="webhook", tenant="ci", subject="bot")
ANA = ExternalId(platform="slack", tenant="T1", subject="UANA")
STAMP = int(NOW.timestamp())
FILED: dict[str, JsonValue] = {"target": "rmq-demo", "duration": "8h", "reason": "replay INC-1"}


def machine(*, files_for: frozenset[str] = frozenset(), may_review: bool = False) -> Machine:
    return Machine(identity=CI, trust=Trust(files_for=files_for, may_review=may_review))


def filed(**fields: JsonValue) -> JsonValue:
    return {**FILED, **fields}


@pytest.mark.parametrize("stamp", [STAMP - 300, STAMP, STAMP + 300])
def test_a_time_within_five_minutes_is_near_enough(stamp: int) -> None:
    check_time(str(stamp), now=NOW)


@pytest.mark.parametrize("stamp", [STAMP - 301, STAMP + 301, STAMP * 1000])
def test_a_time_out_of_the_window_is_not_genuine(stamp: int) -> None:
    with pytest.raises(NotGenuine, match="timestamp_stale"):
        check_time(str(stamp), now=NOW)


@pytest.mark.parametrize(
    "stamp", ["", "now", "-1767225600", " 1767225600", "1767225600.0", "\uff11767225600"]
)
def test_a_time_of_other_characters_is_not_genuine(stamp: str) -> None:
    with pytest.raises(NotGenuine, match="timestamp_malformed"):
        check_time(stamp, now=NOW)


def test_json_is_read() -> None:
    assert read_json(b'{"a": [1, "x"]}') == {"a": [1, "x"]}
    assert read_json('{"a": {"b": 1}, "b": 2}', unique_keys=True) == {"a": {"b": 1}, "b": 2}


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a": NaN}', b'"\xff"', b"[" * 100_000, b'"\\ud800"']
)
def test_json_that_means_several_things_or_nothing_is_refused(text: bytes) -> None:
    with pytest.raises(BadInput) as e:
        read_json(text)

    assert e.value.code == "json_malformed"


def test_a_field_given_twice_is_refused_where_that_matters() -> None:
    assert read_json('{"a": 1, "a": 2}') == {"a": 2}

    with pytest.raises(BadInput) as e:
        read_json('{"b": {"a": 1, "a": 2}}', unique_keys=True)
    assert e.value.code == "field_repeated"


def test_a_machine_files_for_itself() -> None:
    form = read_form(
        "access.request",
        filed(
            permissions=[
                {
                    "resource": "topic",
                    "name": "orders",
                    "actions": ["Sub"],
                    "whitelist": ["10.0.0.0/8"],
                }
            ],
            ticket="INC-1",
        ),
    )

    arrived = machine().says(form, key="k1", traceparent="00-a-b-01")

    assert arrived.said == Ask(
        target="rmq-demo",
        permissions=(permission("topic:orders", "Sub", "10.0.0.0/8"),),
        duration=timedelta(hours=8),
        reason="replay INC-1",
        ticket="INC-1",
    )
    assert (arrived.source, arrived.tenant, arrived.key) == ("webhook", "ci", "k1")
    assert (arrived.sender, arrived.traceparent) == (CI, "00-a-b-01")


@pytest.mark.parametrize("scope", ["slack", "slack:T1"])
def test_a_trusted_machine_files_for_people(scope: str) -> None:
    person: JsonValue = {"platform": "slack", "tenant": "T1", "subject": "UANA"}
    form = read_form("access.request", filed(requester=person))

    arrived = machine(files_for=frozenset({scope})).says(form, key="k1")

    assert isinstance(arrived.said, Ask)
    assert (arrived.sender, arrived.said.on_behalf_of) == (CI, ANA)


def test_a_bare_name_is_the_machines_own_person() -> None:
    form = read_form("access.request", filed(requester="ana"))

    arrived = machine(files_for=frozenset({"webhook"})).says(form, key="k1")

    assert isinstance(arrived.said, Ask)
    assert arrived.said.on_behalf_of == CI.evolve(subject="ana")


@pytest.mark.parametrize(
    "person",
    [
        {"platform": "slack", "tenant": "T2", "subject": "UANA"},
        {"platform": "cli", "tenant": "T1", "subject": "UANA"},
        {"platform": "webhook", "tenant": "other", "subject": "ana"},
        {"platform": "cloudevents", "tenant": "other", "subject": "ana"},
        "ana",
    ],
)
def test_a_machine_speaks_for_nobody_else(person: JsonValue) -> None:
    form = read_form("access.request", filed(requester=person))

    with pytest.raises(BadInput) as e:
        machine(files_for=frozenset({"slack:T1"})).says(form, key="k1")

    assert (e.value.field, e.value.code) == ("data.requester", "not_allowed")


def test_not_even_a_trusted_machine_speaks_for_another_machines_people() -> None:
    form = read_form(
        "access.request", filed(requester={"platform": "webhook", "tenant": "x", "subject": "ana"})
    )

    with pytest.raises(BadInput):
        machine(files_for=frozenset({"webhook", "webhook:x"})).says(form, key="k1")


def test_reviews_need_a_trust_of_their_own() -> None:
    form = read_form(
        "access.review",
        {
            "reviewer": {"platform": "slack", "tenant": "T1", "subject": "UANA"},
            "request_id": "req-1",
            "verdict": "approve",
            "digest": "d",
            "reason": "fine",
        },
    )
    files_only = machine(files_for=frozenset({"slack"}))

    with pytest.raises(BadInput, match="may not give reviews"):
        files_only.says(form, key="k1")

    arrived = machine(files_for=frozenset({"slack"}), may_review=True).says(form, key="k1")
    assert arrived.said == GiveReview(
        request_id="req-1", verdict=Verdict.APPROVE, digest="d", reason="fine"
    )
    assert arrived.sender == ANA
    assert isinstance(form, ReviewForm)
    assert named(form) is form.reviewer


def test_giving_back_and_asking_are_said_by_whom_they_name() -> None:
    trusted = machine(files_for=frozenset({"webhook"}))
    release = read_form("access.release", {"requester": "ana", "request_id": "req-1"})
    status = read_form("access.status", {})

    released, asked = trusted.says(release, key="k1"), trusted.says(status, key="k2")

    assert (released.said, released.sender.subject) == (Release(request_id="req-1"), "ana")
    assert (asked.said, asked.sender) == (AskStatus(), CI)


@pytest.mark.parametrize(
    ("type_", "content", "field", "code"),
    [
        ("access.grant", {}, "type", "type_unknown"),
        ("access.request", {}, "data.duration", "field_wrong"),
        ("access.request", "text", "data", "field_wrong"),
        ("access.request", filed(extra=1), "data.extra", "field_wrong"),
        ("access.request", filed(reason=""), "data.reason", "field_wrong"),
        ("access.release", {"request_id": "../x"}, "data.request_id", "field_wrong"),
    ],
)
def test_a_form_that_is_wrong_names_its_field(
    type_: str, content: JsonValue, field: str, code: str
) -> None:
    with pytest.raises(BadInput) as e:
        read_form(type_, content)

    assert (e.value.field, e.value.code) == (field, code)


def test_a_duration_that_is_none_is_named() -> None:
    form = read_form("access.request", filed(duration="soon"))

    with pytest.raises(BadInput) as e:
        machine().says(form, key="k1")

    assert (e.value.field, e.value.code) == ("data.duration", "field_wrong")


def test_an_event_goes_out_as_a_cloudevent() -> None:
    event = Event.of(
        RequestCancelled(request_id="req-1"), id="e1", time=datetime(2026, 1, 1, 8, tzinfo=UTC)
    )

    assert as_cloudevent(event, source="/keylease") == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/keylease",
        "type": "io.keylease.request.cancelled.v1",
        "subject": "req-1",
        "time": "2026-01-01T08:00:00Z",
        "datacontenttype": "application/json",
        "data": {"request_id": "req-1"},
    }
    traced = event.evolve(traceparent="00-a-b-01")
    assert as_cloudevent(traced, source="/keylease")["traceparent"] == "00-a-b-01"
    assert encode(event, source="/订单").startswith(b'{"data":{"request_id":"req-1"},')
    assert "订单".encode() in encode(event, source="/订单")


def test_people_read_times_in_their_own_zone() -> None:
    telling = Telling(public_url="https://keylease.example.com/", time_zone="Asia/Shanghai")

    assert telling.when(NOW) == "2026-01-01 08:00 CST"
    assert telling.link("abc") == "https://keylease.example.com/claim/abc"


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="no time zone 'Mars'"):
        Telling(public_url="https://keylease.example.com", time_zone="Mars")
