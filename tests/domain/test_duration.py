"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from keylease.domain.duration import Duration, format_duration, parse_duration
from keylease.errors import BadInput


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("8h", timedelta(hours=8)),
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("45s", timedelta(seconds=45)),
        ("0d1h", timedelta(hours=1)),
        ("9999h", timedelta(hours=9999)),
        ("3660d", timedelta(days=3660)),
    ],
)
def test_a_duration_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "8", "h", "8 h", " 8h", "8h\n", "-8h", "+8h", "1.5h", "1e9h", "8H"),
        *("1w", "P1W", "PT8H", "1M", "8h8h", "30m1h", "8hours", "\uff18h", "\u0668h", "8h\u200b"),
        *("0h", "0d0h", "3661d", "999999999d", "9999999999h"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_duration(text)

    assert caught.value.code == "bad_duration"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(hours=9), "9h"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (timedelta(0), "0s"),
        (timedelta(milliseconds=10), "0s"),
        (timedelta(hours=-8), "-8h"),
    ],
)
def test_a_duration_is_written(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@given(seconds=st.integers(min_value=1, max_value=3660 * 86_400))
def test_what_is_written_is_read_again(seconds: int) -> None:
    length = timedelta(seconds=seconds)

    assert parse_duration(format_duration(length)) == length


def test_a_field_takes_text_or_a_timedelta() -> None:
    field: TypeAdapter[timedelta] = TypeAdapter(Duration)

    assert field.validate_json('"8h"') == timedelta(hours=8)
    assert field.validate_python(timedelta(hours=8)) == timedelta(hours=8)
    assert field.dump_json(timedelta(hours=8)) == b'"8h"'


@pytest.mark.parametrize("given", ["8", '"8x"', "null", "true"])
def test_a_field_refuses_numbers_and_other_texts(given: str) -> None:
    field: TypeAdapter[timedelta] = TypeAdapter(Duration)

    with pytest.raises(ValidationError):
        field.validate_json(given)
