"""What intake says at once: plain words, never a secret."""

from datetime import datetime

from keylease.domain.intake import AskClaim, AskHelp, GiveReview, Release
from keylease.domain.lease import Lease
from keylease.domain.people import ExternalId
from keylease.domain.request import Request

HELP = """\
request <entitlement> for <duration> because <reason>
request <target> topic:<name> Pub,Sub [+ group:<name> Sub] for <duration> because <reason>
request <target> cache read for <duration> because <reason>
    optional: as <standing account> | from <address block>,… | ticket <id>
approve <request> [because <reason>] | deny <request> [because <reason>]
release <request> | claim <request or account> | status [<request>]"""

NOTHING_ASKED = "You have asked for nothing yet. 'help' shows how."
WORKLOADS_DO_NOT_REVIEW = "A workload may ask; only a person may review."
ID_USED_BEFORE = "This message id was used before for another request; send a new id."


def stranger(sender: ExternalId, /) -> str:
    """To somebody whom the directory does not know."""
    return (
        f"keylease does not know you yet. Ask the people who run it to add {sender} to the "
        "directory, then send this again."
    )


def absent(request_id: str, /) -> str:
    """The same for what is not there and what is not yours to see."""
    return f"There is no request {request_id} of yours. 'status' lists the ones you have."


def received(request: Request, /) -> str:
    """To a new request, and to its copies."""
    return f"{request.id} is received. You are told as soon as it is decided."


def noted(said: GiveReview | Release | AskClaim, /) -> str:
    """To a message that another function acts on."""
    match said:
        case GiveReview():
            return f"{said.request_id}: your word is noted."
        case Release():
            return f"{said.request_id}: ending it is on its way."
        case AskClaim():
            return f"{said.request_id}: a new link comes to you alone."


def progress(request: Request, /, *, lease: Lease | None) -> str:
    """How far one request is, on one line."""
    permissions = "; ".join(str(permission) for permission in request.asked.permissions)
    line = f"{request.id}: {_state(request, lease)} — {permissions} at {request.asked.target}"
    because = ", ".join(request.settled_because)
    return f"{line} ({because})" if because else line


def _state(request: Request, lease: Lease | None) -> str:
    if lease is None:
        return request.status.replace("_", " ")
    problem = f": {lease.problem}" if lease.problem else ""
    until = f" until {minute(lease.not_after)}" if lease.is_open else ""
    return f"{lease.status}{until}{problem}"


def minute(at: datetime, /) -> str:
    """An instant as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def usage(ask: AskHelp, /, *, entitlements: tuple[str, ...]) -> str:
    """What can be said here, and asked for."""
    if ask.problem:
        return ask.problem
    known = f"\nEntitlements: {', '.join(entitlements)}" if entitlements else ""
    return f"{HELP}{known}"
