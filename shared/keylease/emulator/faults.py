"""Planned misfortune: which call goes wrong, how, and how often."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from keylease.emulator.clock import Delay

ANY = "*"


class FaultKind(StrEnum):
    REFUSE = "refuse"
    """The connection is reset before the request counts: nothing is done."""
    SLOW = "slow"
    """The work waits for `delay` first; it is done even when the caller has left."""
    CLIENT_ERROR = "client_error"
    """A 4xx with `code`; nothing is done."""
    SERVER_ERROR = "server_error"
    """A 5xx with `code`; the work is done only when `is_done`."""
    THROTTLE = "throttle"
    """A Throttling code, with `x-acs-retry-after` when `retry_after` is set; nothing is done."""
    LOST_RESPONSE = "lost_response"
    """The work is done, then the connection breaks."""
    TRUNCATED_JSON = "truncated_json"
    """The work is done, and half of the answer arrives as if it were whole."""
    WRONG_JSON = "wrong_json"
    """The work is done, and the answer is JSON of another shape: `payload`."""
    STALE_READ = "stale_read"
    """A read answers from the state before the instance's last write."""
    SUCCESS_FALSE = "success_false"
    """HTTP 200 with `success: false`; nothing is done."""


class FaultPlan(BaseModel):
    """One plan. It strikes calls of `operation` after `skip` of them, `times` times or until."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    operation: str = ANY
    username: str | None = None
    """Only calls about this account."""
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    """None: without end."""
    lasts: Delay | None = None
    """From the first strike on; then the plan is spent whatever `times` says."""
    probability: float = Field(default=1.0, ge=0, le=1)
    code: str | None = None
    message: str = "This fault was planned."
    status: int | None = Field(default=None, ge=200, le=599)
    retry_after: Delay | None = None
    delay: Delay = timedelta(seconds=1)
    is_done: bool = False
    payload: JsonValue = "not what was asked for"


@dataclass(slots=True)
class _Planned:
    plan: FaultPlan
    seen: int = 0
    struck: int = 0
    first_struck_at: datetime | None = None

    def is_spent(self, now: datetime) -> bool:
        limit, lasts = self.plan.times, self.plan.lasts
        started = self.first_struck_at
        if lasts is not None:
            return started is not None and now >= started + lasts
        return limit is not None and self.struck >= limit

    def concerns(self, *, operation: str, username: str | None, is_read: bool) -> bool:
        is_named = self.plan.operation in (ANY, operation)
        is_possible = is_read or self.plan.kind is not FaultKind.STALE_READ
        return is_named and is_possible and self.plan.username in (None, username)


@dataclass(slots=True)
class Faults:
    """All plans of one emulator; draws are repeatable, because chance comes from the seed."""

    seed: int = 0
    _planned: list[_Planned] = field(default_factory=list)
    _draws: int = 0

    def plan(self, *plans: FaultPlan) -> None:
        self._planned.extend(map(_Planned, plans))

    def clear(self) -> None:
        self._planned.clear()

    def plans(self) -> tuple[FaultPlan, ...]:
        return tuple(planned.plan for planned in self._planned)

    def strike(
        self, *, operation: str, username: str | None, is_read: bool, now: datetime
    ) -> FaultPlan | None:
        """The fault that hits this call, if one does; the first plan that fits wins."""
        self._planned = [planned for planned in self._planned if not planned.is_spent(now)]
        for planned in self._planned:
            concerns = planned.concerns(operation=operation, username=username, is_read=is_read)
            if concerns and self._hits(planned):
                planned.struck += 1
                planned.first_struck_at = planned.first_struck_at or now
                return planned.plan
        return None

    def _hits(self, planned: _Planned) -> bool:
        planned.seen += 1
        return planned.seen > planned.plan.skip and self._chance() < planned.plan.probability

    def _chance(self) -> float:
        self._draws += 1
        digest = hashlib.sha256(f"{self.seed}:{self._draws}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64
