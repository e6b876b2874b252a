"""Time zones by name: the one check of a text that people write."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as e:
        msg = f"no time zone {name!r}; use a name such as Asia/Shanghai"
        raise ValueError(msg) from e
    return name


ZoneName = Annotated[str, AfterValidator(_known)]
"""A field that holds a name such as `Asia/Shanghai`."""
