"""A rotation: a new secret created, set, tested, finished; each step may be run again."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from keylease.domain.record import Record


class RotationStep(StrEnum):
    """The step that comes next."""

    CREATE = "create"
    SET = "set"
    TEST = "test"
    FINISH = "finish"
    DONE = "done"
    FAILED = "failed"


class Rotation(Record):
    """One turn of one account's rotation."""

    kind: ClassVar[str] = "rotation"

    account_id: str
    step: RotationStep = RotationStep.CREATE
    credential_id: str | None = None
    """The new version, sealed before it is set."""
    started_at: datetime
    ended_at: datetime | None = None
    attempts: int = 0
    refusals: int = 0
    """How many generated passwords the target refused."""
    retry_at: datetime | None = None
    problem: str | None = None

    @property
    def parent(self) -> str | None:
        return self.account_id

    @property
    def is_open(self) -> bool:
        return self.step not in (RotationStep.DONE, RotationStep.FAILED)

    @property
    def sweep_at(self) -> datetime | None:
        return (self.retry_at or self.started_at) if self.is_open else None
