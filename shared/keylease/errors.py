"""The exception tree: every way that machinery can fail, and what to do about it.

::

    KeyleaseError                retry
    ├── BadInput                 never       somebody's input; names the field and the next step
    ├── NotGenuine               never       a message whose sender is not proved
    ├── Conflict                 later       a compare-and-set was lost; load again and decide again
    ├── Duplicate                never       this inbox id was already processed; that is success
    ├── ProviderError
    │   ├── ProviderBusy         later       throttled or working on it; honour `retry_after`
    │   ├── ProviderTransient    later       the call surely had no effect; it may be made again
    │   ├── ProviderAmbiguous    after_read  a write whose outcome is unknown; read before anything
    │   ├── ProviderConflict     after_read  already there, or in a state that forbids the call
    │   ├── ProviderNotFound     after_read  it is not there (any more)
    │   ├── ProviderDenied       never       our own credentials may not do this
    │   └── ProviderRefused      never       the provider will never accept this call
    ├── Misconfigured            never       found at start-up; the process must not serve
    └── InvariantBroken          never       wakes a person

A refusal by policy or by a reviewer is not an error: it is a value (`domain.decision`).
"""

from enum import StrEnum
from typing import ClassVar


class Retry(StrEnum):
    """What a host does with an event whose handler raised."""

    NEVER = "never"
    LATER = "later"
    AFTER_READ = "after_read"


class KeyleaseError(Exception):
    """Everything that keylease raises on purpose. Messages hold no secret."""

    retry: ClassVar[Retry] = Retry.NEVER


class BadInput(KeyleaseError):
    """Input that we will never accept: `field` names the place, the message the next step."""

    def __init__(self, message: str, *, field: str = "", code: str = "bad_input") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.code = code


class NotGenuine(KeyleaseError):
    """A message whose sender is not proved; `code` is for the log, the sender learns nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Conflict(KeyleaseError):
    """Another commit came first."""

    retry = Retry.LATER


class Duplicate(KeyleaseError):
    """The inbox id of this commit is already there: the work was done before."""


class ProviderError(KeyleaseError):
    """An outside system did not do what was asked.

    The message never carries a body, a URL query or a header: only who, which code and which
    request id, so that it may be logged as it is.
    """

    def __init__(
        self,
        provider: str,
        code: str,
        *,
        status: int = 0,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        tail = f" (request id {request_id})" if request_id else ""
        super().__init__(f"{provider}: {code}{tail}")
        self.provider = provider
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds that the provider asked us to wait, when it said so."""


class ProviderBusy(ProviderError):
    """Throttled, or the object is being worked on."""

    retry = Retry.LATER


class ProviderTransient(ProviderError):
    """A passing fault of a call that had no effect (a read, or a write that never left)."""

    retry = Retry.LATER


class ProviderAmbiguous(ProviderError):
    """A write whose outcome is unknown: read back, never repeat blindly."""

    retry = Retry.AFTER_READ


class ProviderConflict(ProviderError):
    """Already there."""

    retry = Retry.AFTER_READ


class ProviderNotFound(ProviderError):
    """Not there."""

    retry = Retry.AFTER_READ


class ProviderDenied(ProviderError):
    """Our own credentials were refused or lack the right."""


class ProviderRefused(ProviderError):
    """The provider understood and will not do it, now or later."""


class Misconfigured(KeyleaseError):
    """The process cannot start like this; the message says which setting and what to do."""


class InvariantBroken(KeyleaseError):
    """Something that must never happen was about to; it was stopped."""
