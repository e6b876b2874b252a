"""How people are told things: where links lead, how long they last, who operates keylease."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from keylease.domain.record import Value
from keylease.domain.zone import ZoneName


class Telling(Value):
    """Settings of notify."""

    public_url: str
    """Where people reach the claim page, such as `https://keylease.example.com`."""
    operators: tuple[str, ...] = ()
    """Addresses that hear of what needs a person, such as `slack:#keylease-ops`."""
    link_lasts: timedelta = timedelta(minutes=15)
    """How long a link to a credential may be claimed."""
    most_direct: int = 10
    """Approvers who are each told directly; more are told in a channel only."""
    time_zone: ZoneName = "UTC"
    """In which deadlines are written."""

    def link(self, token: str, /) -> str:
        """The address of the claim page for a token: a capability, treat it as a secret."""
        return f"{self.public_url.rstrip('/')}/claim/{token}"

    def when(self, at: datetime, /) -> str:
        """An instant for people, with its time zone."""
        return spell_time(at, time_zone=self.time_zone)


def spell_time(at: datetime, /, *, time_zone: str) -> str:
    """Such as `2026-01-01 08:00 UTC`."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M %Z}"
