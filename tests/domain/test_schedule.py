"""When a rotation is due, also where clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from keylease.domain.schedule import Schedule
from tests.domain.strategies import instants
from tests.support.build import NOW


def cron(line: str, /, *, zone: str = "Europe/Berlin") -> Schedule:
    return Schedule(cron=line, time_zone=zone)


def turns(schedule: Schedule, /, *, after: datetime, count: int) -> list[str]:
    """The next instants, each asked for at the one before."""
    found = []
    for _ in range(count):
        after = schedule.next_after(after, key="rmq-demo/kl1")
        found.append(f"{after:%d %H:%M}")
    return found


def test_a_cron_line_is_read_in_its_time_zone() -> None:
    monday_at_three = cron("0 3 * * 1", zone="Asia/Shanghai")

    due = monday_at_three.next_after(datetime(2026, 3, 27, 12, tzinfo=UTC), key="")

    assert due == datetime(2026, 3, 29, 19, tzinfo=UTC)
    assert due.tzinfo is UTC


def test_an_hour_that_comes_twice_fires_once() -> None:
    """On 25 October 2026 clocks in Berlin go from 3:00 back to 2:00."""
    nightly = cron("30 2 * * *")

    assert turns(nightly, after=datetime(2026, 10, 23, 12, tzinfo=UTC), count=4) == [
        "24 00:30",
        "25 00:30",
        "26 01:30",
        "27 01:30",
    ]


def test_an_hour_that_is_left_out_fires_when_it_is_over() -> None:
    """On 29 March 2026 clocks in Berlin go from 2:00 to 3:00."""
    nightly = cron("30 2 * * *")

    assert turns(nightly, after=datetime(2026, 3, 27, 12, tzinfo=UTC), count=3) == [
        "28 01:30",
        "29 01:00",
        "30 00:30",
    ]


def test_every_hour_is_every_hour_also_when_clocks_go_back() -> None:
    hourly = cron("30 * * * *")

    assert turns(hourly, after=datetime(2026, 10, 24, 23, tzinfo=UTC), count=4) == [
        "24 23:30",
        "25 00:30",
        "25 01:30",
        "25 02:30",
    ]


@pytest.mark.parametrize("minute", range(0, 180, 5))
def test_nothing_is_due_in_the_past_while_an_hour_repeats(minute: int) -> None:
    now = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=minute)

    due = cron("30 2 * * *").next_after(now, key="")

    assert due in {
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    }
    assert due > now


@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 0 1 * *", "15 1-3 * * 0", "0 12 29 2 *"]),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"]
    ),
    instants,
)
def test_what_is_due_is_always_later(line: str, zone: str, after: datetime) -> None:
    assert cron(line, zone=zone).next_after(after, key="") > after


@given(instants, st.text(), st.integers(1, 400), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_jitter_stays_within_its_bounds(
    after: datetime, key: str, days: int, jitter: timedelta
) -> None:
    schedule = Schedule(every_days=days, jitter=jitter)

    due = schedule.next_after(after, key=key)

    assert after + timedelta(days=days) <= due <= after + timedelta(days=days) + jitter
    assert due == schedule.next_after(after, key=key)


def test_jitter_spreads_accounts_and_turns() -> None:
    schedule = Schedule(every_days=30, jitter=timedelta(hours=24))

    dues = sorted(schedule.next_after(NOW, key=f"account-{n}") for n in range(1000))

    assert len(set(dues)) == 1000
    widest = max(later - earlier for earlier, later in pairwise(dues))
    assert widest < timedelta(minutes=30)
    assert (
        schedule.next_after(NOW, key="a") - NOW != schedule.next_after(dues[0], key="a") - dues[0]
    )


def test_without_jitter_it_is_to_the_second() -> None:
    assert Schedule(every_days=30).next_after(NOW, key="a") == NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "give either cron or every_days"),
        ({"cron": "0 3 * * 1", "every_days": 1}, "give either cron or every_days"),
        ({"cron": "monthly"}, "'monthly' is no cron line that ever fires"),
        ({"cron": "0 0 31 2 *"}, "no cron line that ever fires"),
        ({"cron": "* * * * * *"}, "five fields"),
        ({"cron": "0 3 * * 1", "time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"cron": "0 3 * * 1", "time_zone": "../../etc/passwd"}, "no time zone"),
        ({"every_days": 0}, "from 1 to 3660"),
        ({"every_days": 10**9}, "from 1 to 3660"),
        ({"every_days": 1, "jitter": timedelta(days=-1)}, "jitter must be from nothing"),
        ({"every_days": 1, "jitter": timedelta(days=4000)}, "jitter must be from nothing"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Schedule.model_validate(fields)
