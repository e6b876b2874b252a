"""What has happened: CloudEvents 1.0 with typed content; each docstring says when it is true.

An event never holds a secret. Fields are only added; a changed meaning is a new version.
"""

import builtins
from datetime import datetime
from typing import ClassVar, TypeVar

from pydantic import JsonValue

from keylease.domain.record import Value


class EventData(Value):
    """Content of one event type. `type` is `io.keylease.<noun>.<past participle>.v1`."""

    type: ClassVar[str]
    is_result: ClassVar[bool] = True
    """Whether sinks get it; False for what only drives our own functions."""

    @property
    def natural_id(self) -> str | None:
        """The event id, when saying the same thing twice must give one event."""
        return None

    @property
    def subject(self) -> str:
        """The request, lease or account that it is about; order is kept per subject."""
        raise NotImplementedError


D = TypeVar("D", bound=EventData)


class Event(Value):
    """The envelope. `id` is unique per source; a re-sent event keeps it."""

    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, JsonValue]
    traceparent: str | None = None

    @classmethod
    def of(
        cls,
        content: EventData,
        /,
        *,
        id: str,
        time: datetime,
        traceparent: str | None = None,  # CloudEvents calls it id
    ) -> "Event":
        """The event that says `content`."""
        return cls(
            id=id,
            type=content.type,
            subject=content.subject,
            time=time,
            data=content.model_dump(mode="json"),
            traceparent=traceparent,
        )

    def read(self, kind: builtins.type[D], /) -> D:
        """Its typed content."""
        return kind.model_validate(self.data, strict=False)


class _AboutRequest(EventData):
    request_id: str

    @property
    def subject(self) -> str:
        return self.request_id


class _AboutLease(_AboutRequest):
    """A lease belongs to its request: one subject, one order."""

    lease_id: str
    account_id: str
    target: str
    holder: str


class _AboutAccount(EventData):
    account_id: str

    @property
    def subject(self) -> str:
        return self.account_id


class _Due(EventData):
    """Something to be done now. Emitted by sweep, again and again while nothing happens."""

    is_result = False

    occasion: str = ""
    """What makes two of sweep's findings the same one; empty: each is a new one."""

    @property
    def natural_id(self) -> str | None:
        return f"{self.type}/{self.subject}/{self.occasion}" if self.occasion else None


class TimerTicked(EventData):
    """A timer fired; what is due is in the store."""

    type = "io.keylease.timer.ticked.v1"
    is_result = False

    @property
    def subject(self) -> str:
        return "timer"


class RequestSubmitted(_AboutRequest):
    """A verified request was stored."""

    type = "io.keylease.request.submitted.v1"


class RequestReviewNeeded(_AboutRequest):
    """The policy permits the request once the named people have approved."""

    type = "io.keylease.request.review_needed.v1"

    rule: str
    approvals: int
    approvers: tuple[str, ...]
    tell: tuple[str, ...] = ()


class RequestApproved(_AboutRequest):
    """The request is approved and its lease exists; nothing is granted yet."""

    type = "io.keylease.request.approved.v1"

    lease_id: str
    account_id: str
    rule: str
    approved_by: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()


class RequestDenied(_AboutRequest):
    """The policy, a reviewer or a limit said no."""

    type = "io.keylease.request.denied.v1"

    rule: str
    reasons: tuple[str, ...]
    denied_by: str | None = None
    tell: tuple[str, ...] = ()


class RequestCancelled(_AboutRequest):
    """The requester took an unanswered request back."""

    type = "io.keylease.request.cancelled.v1"


class RequestLapsed(_AboutRequest):
    """Nobody answered in time."""

    type = "io.keylease.request.lapsed.v1"


class RequestAnswerDue(_Due, _AboutRequest):
    """The time to answer is over, or a submitted request was not decided."""

    type = "io.keylease.request.answer_due.v1"


class ReviewGiven(_AboutRequest):
    """Somebody, known by a verified outside id, pressed approve or deny."""

    type = "io.keylease.review.given.v1"
    is_result = False

    reviewer: str
    verdict: str
    digest: str
    """Digest of the request as it was shown; empty when typed as a command."""
    platform: str
    tenant: str
    sender: str
    reason: str = ""


class ReviewRecorded(_AboutRequest):
    """A review counts, and more are needed."""

    type = "io.keylease.review.recorded.v1"

    reviewer: str
    verdict: str
    missing: int


class ReviewRefused(_AboutRequest):
    """A review does not count; the reason says why."""

    type = "io.keylease.review.refused.v1"

    reviewer: str
    reason: str


class ReleaseAsked(_AboutRequest):
    """Its holder, or a revoker, asks to end a lease or to cancel an open request."""

    type = "io.keylease.release.asked.v1"
    is_result = False

    by: str


class ClaimAsked(_AboutRequest):
    """The holder asks for a new link to a credential that nobody has claimed."""

    type = "io.keylease.claim.asked.v1"
    is_result = False

    by: str


class LeaseActivated(_AboutLease):
    """The target was read back and holds exactly what was approved."""

    type = "io.keylease.lease.activated.v1"

    not_after: datetime
    credential_id: str | None = None


class LeaseEndDue(_Due, _AboutLease):
    """The lease is to be ended, or its work to be tried again."""

    type = "io.keylease.lease.end_due.v1"


class LeaseEnded(_AboutLease):
    """The target was read back and holds nothing of the lease any more."""

    type = "io.keylease.lease.ended.v1"

    reason: str
    by: str | None = None


class LeaseFailed(_AboutLease):
    """The access could not be made; what was half made was proved to be gone."""

    type = "io.keylease.lease.failed.v1"

    problem: str


class LeaseStuck(_AboutLease):
    """The end of access keeps failing; it is still retried."""

    type = "io.keylease.lease.stuck.v1"

    problem: str


class LeaseClaimed(_AboutLease):
    """The credential was shown, for the only time."""

    type = "io.keylease.lease.claimed.v1"

    credential_id: str


class ClaimRepeated(EventData):
    """A spent link was used again: somebody else may know it."""

    type = "io.keylease.claim.repeated.v1"

    credential_id: str
    account_id: str
    holder: str
    first_at: datetime
    occasion: str = ""
    """The same for all uses within a minute: whoever tries again and again is one alarm."""

    @property
    def natural_id(self) -> str | None:
        return f"{self.type}/{self.subject}/{self.occasion}" if self.occasion else None

    @property
    def subject(self) -> str:
        return self.account_id


class AccountCheckDue(_Due, _AboutAccount):
    """The account is to be read again."""

    type = "io.keylease.account.check_due.v1"


class RotationDue(_Due, _AboutAccount):
    """The schedule, or a person, asks for a new secret, or a rotation is to go on."""

    type = "io.keylease.rotation.due.v1"

    asked_by: str = "schedule"


class CredentialRotated(_AboutAccount):
    """The target takes the new secret; the old one is kept sealed."""

    type = "io.keylease.credential.rotated.v1"

    credential_id: str
    owner: str
    number: int


class CredentialClaimed(_AboutAccount):
    """A rotated credential was shown, for the only time."""

    type = "io.keylease.credential.claimed.v1"

    credential_id: str
    holder: str


class RotationFailed(_AboutAccount):
    """The rotation is given up for this turn, or keeps failing; the old secret still works."""

    type = "io.keylease.rotation.failed.v1"

    owner: str
    problem: str
