"""Rules that hold at certain hours hold at those hours only."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from keylease.policy.hours import read_window


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00:00", True),
        ("2026-11-27T19:59:59", True),
        ("2026-11-27T20:00:00", False),
        ("2026-11-28T12:00:00", False),
    ],
)
def test_a_window_includes_its_start_and_not_its_end(instant: str, is_open: bool) -> None:
    window = read_window("Mon-Fri 08:00-20:00 Asia/Shanghai")

    assert window.contains(at(instant, "Asia/Shanghai")) is is_open


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-27T21:59:00", False),
        ("2026-11-27T22:00:00", True),
        ("2026-11-28T05:59:00", True),
        ("2026-11-28T06:00:00", False),
        ("2026-11-28T23:00:00", False),
        ("2026-11-23T02:00:00", False),
    ],
)
def test_an_overnight_window_belongs_to_the_day_on_which_it_begins(
    instant: str, is_open: bool
) -> None:
    window = read_window("Mon-Fri 22:00-06:00 UTC")

    assert window.contains(at(instant)) is is_open


def test_days_wrap_around_the_week() -> None:
    window = read_window("Sat-Mon 00:00-24:00 UTC")

    assert window.days == frozenset({5, 6, 0})
    assert window.contains(at("2026-11-29T23:59:59"))


def test_the_skipped_hour_is_in_no_window() -> None:
    window = read_window("Sun 02:15-02:45 Europe/Berlin")
    before, after = at("2026-03-29T00:59:59"), at("2026-03-29T01:00:00")

    assert window.says(before) == "Sun 01:59 Europe/Berlin"
    assert window.says(after) == "Sun 03:00 Europe/Berlin"
    assert not window.contains(before)
    assert not window.contains(after)


def test_the_repeated_hour_is_in_its_window_twice() -> None:
    window = read_window("Sun 02:15-02:45 Europe/Berlin")

    assert window.contains(at("2026-10-25T00:30:00"))
    assert not window.contains(at("2026-10-25T00:50:00"))
    assert window.contains(at("2026-10-25T01:30:00"))
    assert window.contains(at("2026-10-25T02:30:00", "Europe/Berlin", fold=1))


def test_an_overnight_window_spans_the_change_of_clocks() -> None:
    window = read_window("Sat 22:00-06:00 America/New_York")

    assert window.contains(at("2026-11-01T05:30:00"))
    assert window.contains(at("2026-11-01T10:59:00"))
    assert not window.contains(at("2026-11-01T11:00:00"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("08:00-20:00 Asia/Shanghai", "is no window; write it like"),
        ("Mon-Fri 8:00-20:00 Asia/Shanghai", "is no window; write it like"),
        ("Mon-Fri 08:00-20:00", "is no window; write it like"),
        ("Mo-Fr 08:00-20:00 UTC", "'Mo' is no weekday; use Mon, Tue"),
        ("Mon- 08:00-20:00 UTC", "'' is no weekday"),
        ("Mon 08:60-20:00 UTC", "08:60 is no time of day"),
        ("Mon 08:00-24:01 UTC", "24:01 is no time of day"),
        ("Mon 08:00-08:00 UTC", "is an empty window; the whole day is 00:00-24:00"),
        ("Mon 24:00-08:00 UTC", "is an empty window"),
        ("Mon 08:00-20:00 Asia/Shanghia", "no time zone 'Asia/Shanghia'"),
        ("Mon 08:00-20:00 ../etc/passwd", "no time zone"),
    ],
)
def test_a_window_that_is_none_says_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_window(text)

    assert hint in str(caught.value)
