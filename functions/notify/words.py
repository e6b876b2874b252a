"""What people are told: first what happened, then what to do; plain text, never read back."""

from keylease.domain.credential import Credential
from keylease.domain.duration import format_duration
from keylease.domain.events import (
    ClaimRepeated,
    CredentialClaimed,
    LeaseActivated,
    LeaseClaimed,
    LeaseEnded,
    LeaseFailed,
    LeaseStuck,
    RequestApproved,
    RequestDenied,
    RequestReviewNeeded,
    ReviewRecorded,
    ReviewRefused,
    RotationFailed,
)
from keylease.domain.lease import EndReason, Lease
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.domain.secret import Secret
from keylease.domain.telling import Telling
from keylease.ports.chat import Button, Message

Fields = tuple[tuple[str, str], ...]


def review_needed(request: Request, /, *, telling: Telling) -> Message:
    """What approvers see while the request waits."""
    approved = [r.reviewer for r in request.reviews if r.verdict is Verdict.APPROVE]
    so_far = f" So far: {', '.join(approved)}." if approved else ""
    value = f"{request.id}:{request.digest}"
    return Message(
        text=(
            f"{request.asked.requester} asks for access ({request.id}). Approve or deny it by "
            f"{telling.when(request.answer_by)}; after that it lapses.{so_far}"
        ),
        fields=(*_asked(request), *_approvals(request)),
        buttons=(
            Button(action="approve", label="Approve", value=value),
            Button(action="deny", label="Deny", value=value, is_danger=True),
        ),
    )


def waiting(event: RequestReviewNeeded, request: Request, /, *, telling: Telling) -> Message:
    """What the requester hears meanwhile."""
    many = "one approval" if event.approvals == 1 else f"{event.approvals} approvals"
    text = (
        f"{request.id} needs {many} from {', '.join(event.approvers)}, by "
        f"{telling.when(request.answer_by)}. They have been told. "
        f"Take it back with /access release {request.id}."
    )
    return Message(text=text, fields=_asked(request))


def review_over(request: Request, /) -> Message:
    """The same message once there is nothing to press any more."""
    return Message(text=f"{request.id} {_outcome(request)}", fields=_asked(request))


def _outcome(request: Request) -> str:
    names = [r.reviewer for r in request.reviews if r.verdict is Verdict.APPROVE]
    why = "; ".join(request.settled_because)
    match request.status:
        case RequestStatus.APPROVED:
            return f"is approved by {', '.join(names) or 'policy'}."
        case RequestStatus.DENIED:
            return f"is denied: {why}"
        case RequestStatus.LAPSED:
            return "has lapsed: nobody answered in time."
        case RequestStatus.CANCELLED:
            return f"is cancelled: {why}"
        case _:
            return f"is {request.status}."


def approved(event: RequestApproved, request: Request, /) -> Message:
    by = f"by {', '.join(event.approved_by)}" if event.approved_by else f"by rule {event.rule}"
    text = f"{request.id} is approved {by}. The access is being made; you will hear when it works."
    return Message(text=text, fields=_asked(request))


def approved_aside(event: RequestApproved, request: Request, /) -> Message:
    """For a channel that was never asked."""
    by = f"by {', '.join(event.approved_by)}" if event.approved_by else f"by rule {event.rule}"
    text = f"{request.asked.requester} got {request.id} approved {by}. Nothing to do."
    return Message(text=text, fields=_asked(request))


def denied(event: RequestDenied, request: Request, /) -> Message:
    """Every reason, and what may help."""
    who = f"by {event.denied_by}" if event.denied_by else f"by rule {event.rule}"
    reasons = "\n".join(f"- {reason}" for reason in event.reasons)
    text = (
        f"{request.id} is denied {who}.\n{reasons}\n"
        "Change what the reasons name and ask again with /access request."
    )
    return Message(text=text, fields=_asked(request))


def denied_aside(event: RequestDenied, request: Request, /) -> Message:
    who = f"by {event.denied_by}" if event.denied_by else f"by rule {event.rule}"
    text = f"{request.id} of {request.asked.requester} is denied {who}. Nothing to do."
    return Message(text=text, fields=_asked(request))


def lapsed(request: Request, /) -> Message:
    text = (
        f"{request.id} has lapsed: nobody answered in time. Ask again with /access request, "
        "or ask an approver in person first."
    )
    return Message(text=text, fields=_asked(request))


def cancelled(request: Request, /) -> Message:
    return Message(text=f"{request.id} is cancelled: {'; '.join(request.settled_because)}.")


def review_recorded(event: ReviewRecorded, /) -> Message:
    more = "one more approval" if event.missing == 1 else f"{event.missing} more approvals"
    return Message(text=f"Your word on {event.request_id} counts. It still needs {more}.")


def review_refused(event: ReviewRefused, /) -> Message:
    return Message(text=f"{event.request_id}: that did not count: {event.reason}.")


def active(event: LeaseActivated, lease: Lease, /, *, telling: Telling) -> Message:
    """Access to an account whose secret its service has already."""
    text = (
        f"Your access {event.request_id} is active until {telling.when(event.not_after)}. "
        f"Account {event.account_id} has it; its password stays as it is. "
        f"Give it back early with /access release {event.request_id}."
    )
    return Message(text=text, fields=_held(lease))


def lease_link(
    lease: Lease, credential: Credential, link: Secret, /, *, telling: Telling
) -> Message:
    """The one message that carries a capability."""
    text = (
        f"Your access {lease.request_id} is active until {telling.when(lease.not_after)}. "
        f"Open the link to see the credential: it is shown once, to whoever opens it first. "
        f"{_claim_by(credential, lease.request_id, telling)}"
    )
    return Message(text=text, fields=_held(lease), link=link, link_label="Show the credential")


def rotated_link(credential: Credential, link: Secret, /, *, telling: Telling) -> Message:
    text = (
        f"Account {credential.account_id} has a new password (version {credential.number}); "
        "the old one does not work any more. Open the link to see it: it is shown once, to "
        f"whoever opens it first. {_claim_by(credential, credential.account_id, telling)}"
    )
    return Message(text=text, link=link, link_label="Show the new password")


def _claim_by(credential: Credential, about: str, telling: Telling) -> str:
    by = telling.when(credential.claim.claim_by) if credential.claim else "now"
    return f"Open it by {by}; for a new link say /access claim {about}."


def replaced(about: str, /) -> Message:
    return Message(text=f"{about}: this link was replaced by a newer one. Use that one.")


def claimed(event: LeaseClaimed | CredentialClaimed, first_at: str, /) -> Message:
    """What becomes of the message that held the link."""
    match event:
        case LeaseClaimed():
            about, undo = event.request_id, f"say /access release {event.request_id} now"
        case _:
            about, undo = event.account_id, "tell your operators now: it must be rotated"
    return Message(
        text=f"{about}: the credential was shown on {first_at}. If that was not you, {undo}."
    )


def link_over(about: str, /) -> Message:
    return Message(text=f"{about}: the access has ended; its link does not work any more.")


def no_link(about: str, why: str, /) -> Message:
    return Message(text=f"{about}: there is no new link: {why}.")


def ended(event: LeaseEnded, lease: Lease, /, *, telling: Telling) -> Message:
    by = event.by or "keylease"
    how = {
        EndReason.EXPIRED: "its time is over",
        EndReason.RELEASED: "you gave it back",
        EndReason.REVOKED: f"{by} revoked it",
        EndReason.FAILED: "it could not be made",
    }[EndReason(event.reason)]
    at = f" at {telling.when(lease.ended_at)}" if lease.ended_at else ""
    text = (
        f"Your access {event.request_id} ended{at}: {how}. Nothing of it is left on "
        f"{event.target}. If you still need it, ask again with /access request."
    )
    return Message(text=text, fields=_held(lease))


def failed(event: LeaseFailed, lease: Lease, /) -> Message:
    text = (
        f"Your access {event.request_id} could not be made: {event.problem}. "
        "What was half made is removed. Ask again, or show this to your operators."
    )
    return Message(text=text, fields=_held(lease))


def failed_alarm(event: LeaseFailed, lease: Lease, /) -> Message:
    text = (
        f"{event.request_id} of {event.holder} could not be made on {event.target}: "
        f"{event.problem}. What was half made is removed."
    )
    return Message(text=text, fields=_held(lease))


def stuck(event: LeaseStuck, lease: Lease, /) -> Message:
    text = (
        f"ALARM: the access {event.request_id} of {event.holder} on {event.account_id} is to end "
        f"and cannot be taken back: {event.problem}. keylease keeps trying. Look at the target; "
        "if need be, disable the account there by hand."
    )
    return Message(text=text, fields=_held(lease))


def rotation_failed(event: RotationFailed, /) -> Message:
    text = (
        f"The rotation of {event.account_id} failed: {event.problem}. The old password still "
        f"works. keylease tries again on its schedule; now: keylease rotate {event.account_id}."
    )
    return Message(text=text)


def claim_repeated(event: ClaimRepeated, /, *, telling: Telling) -> Message:
    text = (
        f"ALARM: a spent link to the credential of {event.account_id} was used again. It was "
        f"shown on {telling.when(event.first_at)}, and not this time. If {event.holder} only "
        "loaded the page again, nothing is wrong. If not, end the access, or rotate the account."
    )
    return Message(text=text)


def _asked(request: Request) -> Fields:
    asked = request.asked
    rule = request.decision.rule if request.decision else None
    fields = [
        ("Who", asked.requester),
        ("What", "; ".join(str(permission) for permission in asked.permissions)),
        ("Where", f"{asked.target}, account {asked.account}" if asked.account else asked.target),
        ("For", format_duration(asked.duration)),
        ("Why", asked.reason),
    ]
    if asked.ticket:
        fields.append(("Ticket", asked.ticket))
    if rule:
        fields.append(("Rule", str(rule)))
    return tuple(fields)


def _approvals(request: Request) -> Fields:
    duty = request.decision.obligations if request.decision else None
    if duty is None:
        return ()
    return (("Approvals", f"{duty.approvals} from {', '.join(sorted(duty.approvers))}"),)


def _held(lease: Lease) -> Fields:
    return (
        ("What", "; ".join(str(permission) for permission in lease.permissions)),
        ("Where", lease.target_id),
    )
