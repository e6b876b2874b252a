"""When the next rotation is due: cron with a time zone, or every N days with jitter; pure."""

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import field_validator, model_validator

from keylease.domain.record import Value
from keylease.domain.zone import ZoneName

FIELDS = 5
MOST_DAYS = 3_660
"""Ten years: nobody means more, and larger numbers overflow dates."""


class Schedule(Value):
    """Either `cron` (five fields, read in `time_zone`) or `every_days` with `jitter`."""

    cron: str | None = None
    time_zone: ZoneName = "UTC"
    every_days: int | None = None
    jitter: timedelta = timedelta(0)
    """The most that an `every_days` rotation is put off, fixed per account and turn."""

    @field_validator("cron")
    @classmethod
    def _cron_fires(cls, text: str | None) -> str | None:
        if text is not None and not _fires(text):
            msg = f"{text!r} is no cron line that ever fires; five fields, such as '0 3 * * 1'"
            raise ValueError(msg)
        return text

    @model_validator(mode="after")
    def _one_form(self) -> "Schedule":
        if (self.cron is None) == (self.every_days is None):
            msg = "give either cron or every_days"
            raise ValueError(msg)
        if self.every_days is not None and not 1 <= self.every_days <= MOST_DAYS:
            msg = f"every_days must be from 1 to {MOST_DAYS}"
            raise ValueError(msg)
        if not timedelta(0) <= self.jitter <= timedelta(days=MOST_DAYS):
            msg = f"jitter must be from nothing to {MOST_DAYS} days"
            raise ValueError(msg)
        return self

    def next_after(self, after: datetime, /, *, key: str) -> datetime:
        """The first due instant later than `after`; `key` (the account id) spreads the jitter."""
        if self.cron is not None:
            local = after.astimezone(ZoneInfo(self.time_zone))
            # In an hour that the clocks repeat, CronSim may answer with its first pass.
            found = (at.astimezone(UTC) for at in CronSim(self.cron, local))
            return next(at for at in found if at > after)
        turn = hashlib.sha256(f"{key}@{after.isoformat()}".encode()).digest()
        share = int.from_bytes(turn[:8]) / 2**64
        return after + timedelta(days=self.every_days or 1) + self.jitter * share


def _fires(cron: str) -> bool:
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return len(cron.split()) == FIELDS  # a sixth would be seconds
