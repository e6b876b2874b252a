"""A lease: approved access with its deadline, from pending to ended."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from keylease.domain.access import Permission
from keylease.domain.record import GRACE, Record


class LeaseStatus(StrEnum):
    """`ended` and `failed` are ends, both said only after proof that nothing is left."""

    PENDING = "pending"
    ACTIVATING = "activating"
    ACTIVE = "active"
    ENDING = "ending"
    STUCK = "stuck"
    """Its end keeps failing: still retried, alarmed, never dropped."""
    ENDED = "ended"
    FAILED = "failed"


class EndReason(StrEnum):
    """Why access is taken back."""

    EXPIRED = "expired"
    RELEASED = "released"
    REVOKED = "revoked"
    FAILED = "failed"
    """It could not be activated; what was half made is removed."""


GOING_UP = frozenset({LeaseStatus.PENDING, LeaseStatus.ACTIVATING, LeaseStatus.ACTIVE})
OVER = frozenset({LeaseStatus.ENDED, LeaseStatus.FAILED})
STUCK_AFTER = timedelta(minutes=2)
"""How long an end may keep failing before a person is woken."""


class Lease(Record):
    """Access of one holder to some permissions of one account, until `not_after`."""

    kind: ClassVar[str] = "lease"

    request_id: str
    holder: str
    target_id: str
    account_id: str
    permissions: tuple[Permission, ...]
    approved_at: datetime
    not_after: datetime
    """Absolute, so that waiting never lengthens access."""
    status: LeaseStatus = LeaseStatus.PENDING
    activated_at: datetime | None = None
    end_asked_at: datetime | None = None
    """Since when it is to end; the clock of `stuck`."""
    end_reason: EndReason | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    """When converge tries again after a failure or a wait."""
    problem: str | None = None
    """The last failure, in words without secrets."""

    @property
    def is_open(self) -> bool:
        return self.status not in OVER

    @property
    def parent(self) -> str | None:
        return self.account_id

    @property
    def sweep_at(self) -> datetime | None:
        match self.status:
            case LeaseStatus.ENDED | LeaseStatus.FAILED:
                return None
            case LeaseStatus.ACTIVE:
                return (
                    self.not_after if self.retry_at is None else min(self.not_after, self.retry_at)
                )
            case _:
                return self.retry_at or (self.end_asked_at or self.approved_at) + GRACE

    def deserves_access(self, now: datetime, /) -> bool:
        """Whether its access shall stand at `now`."""
        return self.status in GOING_UP and now < self.not_after

    def needs_work(self, now: datetime, /) -> bool:
        """Whether converge has anything to do for it."""
        return self.status is not LeaseStatus.ACTIVE or now >= self.not_after or bool(self.retry_at)

    def end(
        self,
        reason: EndReason,
        /,
        *,
        now: datetime,
        by: str | None = None,
        problem: str | None = None,
    ) -> "Lease":
        """Ask for its end; the first reason stays."""
        if self.status not in GOING_UP:
            return self
        return self.evolve(
            status=LeaseStatus.ENDING,
            end_reason=reason,
            end_asked_at=now,
            ended_by=by,
            attempts=0,
            retry_at=None,
            problem=problem,
        )

    def troubled(self, problem: str, /, *, now: datetime, retry_at: datetime) -> "Lease":
        """Its work failed and is tried again; an end that keeps failing is stuck."""
        late = self.end_asked_at is not None and now - self.end_asked_at >= STUCK_AFTER
        return self.evolve(
            status=LeaseStatus.STUCK if late else self.status,
            attempts=self.attempts + 1,
            retry_at=retry_at,
            problem=problem,
        )

    def activated(self, *, now: datetime) -> "Lease":
        """After proof that the target holds exactly this."""
        return self.evolve(
            status=LeaseStatus.ACTIVE,
            activated_at=self.activated_at or now,
            attempts=0,
            retry_at=None,
            problem=None,
        )

    def over(self, *, now: datetime) -> "Lease":
        """After proof that nothing of it is left."""
        failed = self.end_reason is EndReason.FAILED
        return self.evolve(
            status=LeaseStatus.FAILED if failed else LeaseStatus.ENDED, ended_at=now, retry_at=None
        )
