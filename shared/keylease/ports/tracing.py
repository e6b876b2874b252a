"""Spans: which work belongs together, over functions, processes and machines."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Tracing(Protocol):
    """Measures pieces of work."""

    def span(
        self, name: str, /, *, parent: str | None = None, **attributes: str | int
    ) -> AbstractContextManager[str | None]:
        """Measure what is done inside; an exception that leaves it marks it as failed.

        `parent` is a W3C `traceparent`; without one the span around it is the parent. Yields the
        `traceparent` that events carry on. Attributes hold ids and names, never a secret.
        """
        ...


class Untraced:
    """Measures nothing, and carries on what came in."""

    def span(
        self,
        name: str,  # noqa: ARG002  # the port's word
        /,
        *,
        parent: str | None = None,
        **attributes: str | int,  # noqa: ARG002  # as above
    ) -> AbstractContextManager[str | None]:
        return nullcontext(parent)
