"""When the next rotation is due: cron with a time zone, or every N days with jitter; pure."""

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import field_validator, model_validator

from keylease.domain.record import Value


class Schedule(Value):
    """Either `cron` (five fields, read in `time_zone`) or `every_days` with `jitter`."""

    cron: str | None = None
    time_zone: str = "UTC"
    every_days: int | None = None
    jitter: timedelta = timedelta(0)
    """The most that an `every_days` rotation is put off, fixed per account and turn."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as e:
            msg = f"no time zone {name!r}; use a name such as Asia/Shanghai"
            raise ValueError(msg) from e
        return name

    @field_validator("cron")
    @classmethod
    def _cron_fires(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
            except (CronSimError, StopIteration) as e:
                msg = f"{text!r} is no cron line that ever fires; five fields, such as '0 3 * * 1'"
                raise ValueError(msg) from e
        return text

    @model_validator(mode="after")
    def _one_form(self) -> "Schedule":
        if (self.cron is None) == (self.every_days is None):
            msg = "give either cron or every_days"
            raise ValueError(msg)
        if self.every_days is not None and self.every_days < 1:
            msg = "every_days must be at least 1"
            raise ValueError(msg)
        return self

    def next_after(self, after: datetime, /, *, key: str) -> datetime:
        """The first due instant later than `after`; `key` (the account id) spreads the jitter."""
        if self.cron is not None:
            local = after.astimezone(ZoneInfo(self.time_zone))
            return next(CronSim(self.cron, local)).astimezone(UTC)
        turn = hashlib.sha256(f"{key}@{after.isoformat()}".encode()).digest()
        share = int.from_bytes(turn[:8]) / 2**64
        return after + timedelta(days=self.every_days or 1) + self.jitter * share
