"""Which function consumes what, without loading one: a process may run only some of them.

A test holds this to what each handler's FUNCTION says.
"""

from typing import NoReturn

from keylease.domain import events as e
from keylease.function import Function


def _elsewhere(**_: object) -> NoReturn:
    msg = "a route only says where events go"
    raise NotImplementedError(msg)


def _route(name: str, /, *consumes: type[e.EventData]) -> Function:
    return Function(name=name, handler=_elsewhere, consumes=frozenset(consumes))


ROUTES: tuple[Function, ...] = (
    _route("intake"),
    _route("claim"),
    _route("decide", e.RequestSubmitted, e.RequestAnswerDue),
    _route("review", e.ReviewGiven),
    _route("release", e.ReleaseAsked),
    _route("converge", e.RequestApproved, e.LeaseEndDue, e.AccountCheckDue),
    _route("rotate", e.RotationDue),
    _route("sweep", e.TimerTicked),
    _route(
        "notify",
        e.RequestReviewNeeded,
        e.RequestApproved,
        e.RequestDenied,
        e.RequestLapsed,
        e.RequestCancelled,
        e.ReviewRecorded,
        e.ReviewRefused,
        e.LeaseActivated,
        e.LeaseClaimed,
        e.LeaseEnded,
        e.LeaseFailed,
        e.LeaseStuck,
        e.ClaimAsked,
        e.ClaimRepeated,
        e.CredentialRotated,
        e.CredentialClaimed,
        e.RotationFailed,
    ),
)
