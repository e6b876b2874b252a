"""What a policy says to a request: permit, review or deny, with the rule and every reason."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue, SkipValidation

from keylease.domain.record import Value


class Effect(StrEnum):
    """The three answers."""

    PERMIT = "permit"
    REVIEW = "review"
    """Permitted once enough of the named people have approved."""
    DENY = "deny"


class RuleRef(Value):
    """Where the deciding rule stands."""

    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})"


class Obligations(Value):
    """Duties that come with a permit."""

    max_duration: timedelta
    approvals: int = 0
    approvers: frozenset[str] = frozenset()
    """Groups and principal ids of whom `approvals` must say yes."""
    ticket_required: bool = False
    tell: tuple[str, ...] = ()
    """Addresses such as `slack:#mq-approvals`."""


class Decision(Value):
    """A pure function of (request, policy, facts, now), kept with its inputs for replay."""

    effect: Effect
    rule: RuleRef | None
    """The deciding rule; for a default deny the nearest one, None when there is none at all."""
    reasons: tuple[str, ...]
    """For a permit why, for a deny every unmet condition of the nearest rule, in plain words."""
    obligations: Obligations | None = None
    policy_digest: str
    facts: Annotated[dict[str, JsonValue], SkipValidation] = Field(default_factory=dict)
    """What the policy looked at (`policy.facts`); unchecked, since walking it doubles the cost."""
    decided_at: datetime
