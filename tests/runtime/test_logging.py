"""Logs: fixed keys, UTC, one JSON object per line, no secrets, nothing left over."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from keylease.domain.secret import REDACTED, Secret
from keylease.errors import ProviderBusy
from keylease.runtime.logging import bound, configure_logging
from keylease.runtime.scrub import scrubbed, scrubbed_text

CANARY = "kQ9canaryKQ9canaryKQ9canaryKQ9canaryKQ9cana"
"""43 characters, as a claim token has."""


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging(level="debug", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_begins_with_time_level_and_event(out: io.StringIO) -> None:
    structlog.get_logger().info("lease.activated", lease_id="lease-1", attempts=2)

    (line,) = lines(out)
    assert list(line)[:3] == ["at", "level", "event"]
    assert line["at"].endswith("Z")
    assert datetime.fromisoformat(line["at"]).tzinfo == UTC
    assert (line["event"], line["level"], line["attempts"]) == ("lease.activated", "info", 2)


def test_the_order_is_first_the_fixed_keys_then_the_bound_then_the_events_own(
    out: io.StringIO,
) -> None:
    with bound(attempt=1):
        structlog.get_logger().warning("one", code="x", at="never", attempt=2, exc_info=None)

    (line,) = lines(out)
    assert list(line) == ["at", "level", "event", "attempt", "code"]
    assert line["at"] != "never"
    assert (line["level"], line["attempt"]) == ("warning", 2)


def test_what_is_not_known_is_left_out(out: io.StringIO) -> None:
    structlog.get_logger().info("intake.received", request_id=None, refused=False)

    (line,) = lines(out)
    assert "request_id" not in line
    assert line["refused"] is False


def test_what_is_no_unicode_text_is_a_line_too(out: io.StringIO) -> None:
    structlog.get_logger().info("told", text="half a pair: \ud83d")

    assert json.loads(out.getvalue())["text"] == "half a pair: \ud83d"
    assert "\\ud83d" in out.getvalue()


def test_what_is_bound_around_an_event_stands_in_its_lines(out: io.StringIO) -> None:
    with bound(request_id="req-1", attempt=1):
        structlog.get_logger().info("one")
    structlog.get_logger().info("two")

    one, two = lines(out)
    assert one["request_id"] == "req-1"
    assert "request_id" not in two


def test_what_was_bound_before_is_bound_again(out: io.StringIO) -> None:
    with bound(request_id="req-1", attempt=1):
        with bound(attempt=2, rule="r"):
            structlog.get_logger().info("one")
        structlog.get_logger().info("two")
    structlog.get_logger().info("three")

    one, two, three = [
        {name: line.get(name) for name in ("request_id", "attempt", "rule")} for line in lines(out)
    ]
    assert one == {"request_id": "req-1", "attempt": 2, "rule": "r"}
    assert two == {"request_id": "req-1", "attempt": 1, "rule": None}
    assert three == dict.fromkeys(("request_id", "attempt", "rule"))


def test_what_is_bound_is_taken_back_when_the_work_fails(out: io.StringIO) -> None:
    with suppress(OSError), bound(request_id="req-of-another"):
        raise OSError
    structlog.get_logger().info("one")

    assert "request_id" not in lines(out)[0]


def test_a_traceback_shows_no_locals(out: io.StringIO) -> None:
    def fails() -> None:
        password = CANARY[:20]
        raise ValueError(len(password))

    try:
        fails()
    except ValueError:
        structlog.get_logger().exception("it.failed")

    assert CANARY[:20] not in out.getvalue()
    assert lines(out)[0]["exception"][0]["exc_type"] == "ValueError"


def test_a_providers_failure_brings_its_request_id(out: io.StringIO) -> None:
    failure = RuntimeError()
    failure.__cause__ = ProviderBusy("rocketmq", "Throttling.User", request_id="7F-1")

    structlog.get_logger().error("it.failed", exc_info=failure)

    assert lines(out)[0]["cloud_request_id"] == "7F-1"


def test_what_libraries_say_is_scrubbed_too(out: io.StringIO) -> None:
    logging.getLogger("some.library").error("POST https://x.example/?Password=%s", "hunter2")

    (line,) = lines(out)
    assert (line["event"], line["logger"]) == ("library.failed", "some.library")
    assert "hunter2" not in out.getvalue()


def test_a_warning_becomes_a_line(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert lines(out)[0]["event"] == "library.warned"


SECRET_VALUES: list[tuple[str, Any]] = [
    ("anything", Secret(CANARY)),
    ("anything", SecretStr(CANARY)),
    ("password", CANARY),
    ("new_password", CANARY),
    ("bot_token", CANARY),
    ("Authorization", f"Basic {CANARY}"),
    ("signing_secret", CANARY),
    ("text", f"Bearer {CANARY}"),
    ("text", f"whsec_{CANARY}"),
    ("text", f"xoxb-{CANARY}"),
    ("url", f"https://keylease.example.com/claim/{CANARY}"),
    ("url", f"https://rocketmq.example.com/a?Password={CANARY}&x=1"),
    ("text", f"see http://127.0.0.1:8080/claim/{CANARY} now"),
    ("inner", {"deep": [{"password": CANARY}]}),
    ("inner", {"deep": ({"x": Secret(CANARY)},)}),
    ("body", CANARY.encode()),
    ("odd", type("Odd", (), {"__repr__": lambda _: CANARY, "__str__": lambda _: CANARY})()),
]


@pytest.mark.parametrize(("key", "value"), SECRET_VALUES)
def test_no_secret_reaches_a_line(out: io.StringIO, key: str, value: Any) -> None:
    structlog.get_logger().info("it.happened", **{key: value})

    assert CANARY not in out.getvalue()
    assert lines(out)[0]["event"] == "it.happened"


KEPT: list[tuple[str, Any, Any]] = [
    ("credential_id", "cache/kl1#2", "cache/kl1#2"),
    ("lease_id", "lease-req-1", "lease-req-1"),
    ("tokens", 3, 3),
    ("path", Path("/var/keylease"), "/var/keylease"),
    ("at", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
    ("digest", "a" * 64, "a" * 64),
    ("url", "https://keylease.example.com/events", "https://keylease.example.com/events"),
    ("nothing", None, None),
]


@pytest.mark.parametrize(("key", "value", "shown"), KEPT)
def test_what_is_no_secret_stays_readable(key: str, value: Any, shown: Any) -> None:
    assert scrubbed(value, key=key) == shown


def test_a_secret_by_its_key_is_replaced_by_stars() -> None:
    assert scrubbed({"password": "x", "user": "ana"}) == {"password": REDACTED, "user": "ana"}


DOCUMENTS = st.recursive(
    st.none() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_scrubbing_ends_for_any_document_and_is_stable(document: Any) -> None:
    once = scrubbed(document)

    assert scrubbed(once) == once
    json.dumps(once)


@given(st.text(alphabet="abcXYZ0189-_", min_size=43, max_size=43))
def test_no_claim_link_survives(token: str) -> None:
    shown = scrubbed_text(f"open https://keylease.example.com/claim/{token} at once")

    assert token not in shown
