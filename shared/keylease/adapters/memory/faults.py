"""Planned faults: what shall go wrong with which call."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import StrEnum

from keylease.errors import (
    ProviderAmbiguous,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)

PROVIDER = "memory"


class Fault(StrEnum):
    """One way for a call to fail. The last four are for writes only."""

    BUSY = "busy"
    TRANSIENT = "transient"
    DENIED = "denied"
    REFUSED = "refused"
    PASSWORD_REFUSED = "password_refused"  # noqa: S105  # a fault's name
    LOST_REQUEST = "lost_request"
    """Ambiguous, and it was not done."""
    LOST_RESPONSE = "lost_response"
    """Ambiguous, and it was done."""
    LATE = "late"
    """Ambiguous, and it is done when `MemoryCloud.land` is called."""


def error_of(fault: Fault, /) -> ProviderError:
    """What the caller sees."""
    match fault:
        case Fault.BUSY:
            return ProviderBusy(PROVIDER, "Throttling.User", status=400, retry_after=2.0)
        case Fault.TRANSIENT:
            return ProviderTransient(PROVIDER, "ServiceUnavailable", status=503)
        case Fault.DENIED:
            return ProviderDenied(PROVIDER, "Forbidden.RAM", status=403)
        case Fault.REFUSED:
            return ProviderRefused(PROVIDER, "InvalidParameter", status=400)
        case Fault.PASSWORD_REFUSED:
            return ProviderRefused(PROVIDER, "PasswordRefused", status=400)
        case Fault.LOST_REQUEST | Fault.LOST_RESPONSE | Fault.LATE:
            return ProviderAmbiguous(PROVIDER, "ConnectionLost")


@dataclass(frozen=True, slots=True)
class Plan:
    """Faults waiting for their calls, first come first served."""

    _waiting: dict[str, deque[Fault | None]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, call: str, /, *, faults: tuple[Fault | None, ...]) -> None:
        self._waiting[call].extend(faults)

    def next(self, *calls: str) -> Fault | None:
        """What goes wrong now; of several names of a call, the first that has a plan counts."""
        for call in calls:
            if self._waiting[call]:
                return self._waiting[call].popleft()
        return None

    def clear(self) -> None:
        self._waiting.clear()
