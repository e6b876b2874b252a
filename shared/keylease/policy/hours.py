"""Weekly windows such as `Mon-Fri 08:00-20:00 Asia/Shanghai`, read on the wall clock there.

A window that ends before it begins runs past midnight and belongs to the day on which it begins.
On the day when clocks change, the wall clock decides: a skipped hour is in no window, a repeated
hour is in it twice.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE: Final = "Mon-Fri 08:00-20:00 Asia/Shanghai"
_FORM = re.compile(r"(\S+) ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2}) (\S+)")
_HOUR: Final = 60
_MIDNIGHT: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the day on some weekdays in one time zone."""

    days: frozenset[int]
    """0 is Monday, as in `datetime.weekday`."""
    start: int
    end: int
    zone: ZoneInfo

    def contains(self, now: datetime, /) -> bool:
        """Whether the wall clock of the zone is in the window; its end is outside."""
        local = now.astimezone(self.zone)
        minute = local.hour * _HOUR + local.minute
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= minute < self.end
        begun = local.weekday() if minute >= self.start else (local.weekday() - 1) % 7
        return begun in self.days and not self.end <= minute < self.start

    def says(self, now: datetime, /) -> str:
        """The wall clock there, in words."""
        local = now.astimezone(self.zone)
        return f"{DAYS[local.weekday()]} {local:%H:%M} {self.zone.key}"


def read_window(text: str, /) -> Window:
    """Read one window; ValueError with the next step when it is none."""
    form = _FORM.fullmatch(text)
    if form is None:
        msg = f"{text!r} is no window; write it like {EXAMPLE!r}"
        raise ValueError(msg)
    days, h1, m1, h2, m2, zone = form.groups()
    start, end = _minute(h1, m1), _minute(h2, m2)
    if start in (end, _MIDNIGHT):
        msg = f"{text!r} is an empty window; the whole day is 00:00-24:00"
        raise ValueError(msg)
    return Window(days=_days(days), start=start, end=end, zone=_zone(zone))


def _minute(hours: str, minutes: str) -> int:
    minute = int(hours) * _HOUR + int(minutes)
    if int(minutes) >= _HOUR or minute > _MIDNIGHT:
        msg = f"{hours}:{minutes} is no time of day; use 00:00 to 24:00"
        raise ValueError(msg)
    return minute


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, finish = _day(first), _day(last if dash else first)
        found.update((begin + n) % 7 for n in range((finish - begin) % 7 + 1))
    return frozenset(found)


def _day(text: str) -> int:
    if text not in DAYS:
        msg = f"{text!r} is no weekday; use {', '.join(DAYS)} or daily"
        raise ValueError(msg)
    return DAYS.index(text)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as e:
        msg = f"no time zone {name!r}; use a name such as Asia/Shanghai"
        raise ValueError(msg) from e
