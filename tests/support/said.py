"""What a captured log line would say besides its own words."""

from structlog.typing import EventDict

from keylease.runtime.logging import bound_now


def with_bound(_: object, __: str, event: EventDict) -> EventDict:
    """A processor for `structlog.testing.capture_logs`."""
    return {**bound_now(), **event}
