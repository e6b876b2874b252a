"""A request: what was asked, word for word, and how far its decision has come."""

import hashlib
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from keylease.domain.access import Permission
from keylease.domain.decision import Decision
from keylease.domain.people import ExternalId
from keylease.domain.record import GRACE, Record, Value


class Asked(Value):
    """The words of a request; never edited, only superseded by a new request."""

    requester: str
    """Principal id."""
    target: str
    permissions: tuple[Permission, ...]
    account: str | None = None
    """Username of a standing account; None: a dedicated account is made."""
    duration: timedelta
    reason: str
    ticket: str | None = None
    entitlement: str | None = None


class RequestStatus(StrEnum):
    """Submitted and in review are open; the others are ends."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class Verdict(StrEnum):
    """What one reviewer says."""

    APPROVE = "approve"
    DENY = "deny"


class Review(Value):
    """One person's word on one request digest."""

    reviewer: str
    verdict: Verdict
    digest: str
    at: datetime
    via: ExternalId
    reason: str = ""


class Request(Record):
    """One request and its state."""

    kind: ClassVar[str] = "request"

    asked: Asked
    origin: ExternalId
    """Who sent it, as the outside system knows them; answers go there."""
    submitted_at: datetime
    answer_by: datetime
    """When an unanswered request lapses."""
    status: RequestStatus = RequestStatus.SUBMITTED
    decision: Decision | None = None
    reviews: tuple[Review, ...] = ()
    lease_id: str | None = None
    settled_at: datetime | None = None
    settled_because: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What reviews are bound to: the words and the policy that asked for the reviews."""
        policy = self.decision.policy_digest if self.decision else ""
        asked = json.loads(self.asked.model_dump_json())
        for permission in asked["permissions"]:  # sets have no order of their own
            permission["actions"].sort()
            permission["whitelist"].sort()
        words = json.dumps({"id": self.id, "asked": asked, "policy": policy}, sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()

    @property
    def is_open(self) -> bool:
        return self.status in (RequestStatus.SUBMITTED, RequestStatus.IN_REVIEW)

    @property
    def sweep_at(self) -> datetime | None:
        if self.status is RequestStatus.SUBMITTED:
            return min(self.answer_by, self.submitted_at + GRACE)
        return self.answer_by if self.is_open else None

    @property
    def parent(self) -> str | None:
        return self.asked.requester

    def settle(
        self, status: RequestStatus, /, *, now: datetime, because: tuple[str, ...] = ()
    ) -> "Request":
        """The same request at its end."""
        return self.evolve(status=status, settled_at=now, settled_because=because)
