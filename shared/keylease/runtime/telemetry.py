"""Telemetry as the settings want it; without the section nothing of it is loaded."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from keylease.errors import Misconfigured
from keylease.ports.tracing import Tracing, Untraced
from keylease.runtime.settings import Settings

if TYPE_CHECKING:
    from keylease.ports.http import Http

UNTRACED: Tracing = Untraced()


@asynccontextmanager
async def telemetry(settings: Settings, /) -> AsyncIterator[Tracing]:
    """Export until the context is left.

    Raises:
        Misconfigured: it is asked for and cannot be had.
    """
    wanted = settings.telemetry
    if wanted is None:
        yield UNTRACED
        return
    try:
        from keylease.adapters.otel import exporting
    except ImportError as e:
        msg = "telemetry: OpenTelemetry is not installed; install keylease[otel]"
        raise Misconfigured(msg) from e
    async with AsyncExitStack() as stack:
        if wanted.metrics is not None:
            host, _, port = wanted.metrics.rpartition(":")
            stack.enter_context(exporting.prometheus_metrics(host.strip("[]"), int(port)))
        if wanted.traces is None:
            yield UNTRACED
            return
        headers = {name: sourced.secret().reveal() for name, sourced in wanted.headers.items()}
        exporter = exporting.otlp_tracing(wanted.traces, headers=headers)
        yield await stack.enter_async_context(exporter)


def traced(http: "Http", /, *, tracing: Tracing) -> "Http":
    """The same, with a span for each call out when there is anybody to see it."""
    if tracing is UNTRACED:
        return http
    from keylease.adapters.otel.tracing import TracedHttp

    return TracedHttp(http, tracing)
