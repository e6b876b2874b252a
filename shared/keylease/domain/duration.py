"""How long: the one reader and writer of durations such as `8h`, `90m` and `1d12h`."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from keylease.errors import BadInput

UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST: Final = timedelta(days=3_660)
"""Ten years: nobody means more, and larger numbers overflow dates."""

# Units in falling order, each at most once; ASCII digits only, so that no look-alike is read.
PATTERN: Final = r"(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?"
_WHOLE = re.compile(PATTERN)
_PART = re.compile(r"([0-9]+)([dhms])")


def parse_duration(text: str, /) -> timedelta:
    """Read a duration; anything but a positive one in d, h, m and s is `BadInput`."""
    if not text or not _WHOLE.fullmatch(text):
        msg = f"{text[:40]!r} is no duration; write it like 8h, 90m or 1d12h"
        raise BadInput(msg, code="bad_duration")
    seconds = sum(int(count) * UNITS[unit] for count, unit in _PART.findall(text))
    if seconds == 0:
        msg = f"{text!r} is no time at all; write it like 8h, 90m or 1d12h"
        raise BadInput(msg, code="bad_duration")
    if seconds > LONGEST.total_seconds():
        msg = f"{text!r} is longer than {LONGEST.days}d, the longest that can be written"
        raise BadInput(msg, code="bad_duration")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta, /) -> str:
    """Write a duration the way `parse_duration` reads it: `1h30m`, never `1:30:00`."""
    sign = "-" if length < timedelta(0) else ""
    rest = int(abs(length).total_seconds())
    parts = []
    for unit, size in UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts) if parts else "0s"


def _read(text: object) -> object:
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str):
        msg = "a duration is text; write it like 8h, 90m or 1d12h"
        raise ValueError(msg)  # noqa: TRY004  # pydantic turns only ValueError into a field error
    try:
        return parse_duration(text)
    except BadInput as e:
        raise ValueError(str(e)) from e


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{PATTERN}$",
            "minLength": 2,
            "examples": ["8h", "1d12h"],
        }
    ),
]
"""A field of a file that people write."""
