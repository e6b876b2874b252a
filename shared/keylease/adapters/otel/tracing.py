"""Spans over OpenTelemetry, sent in batches by OTLP over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from keylease.ports.http import Http, HttpRequest, HttpResponse
from keylease.ports.tracing import Tracing

_W3C = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class OtelTracing:
    """Keeps `ports.tracing.Tracing`."""

    tracer: trace.Tracer

    @contextmanager
    def span(
        self, name: str, /, *, parent: str | None = None, **attributes: str | int
    ) -> Iterator[str | None]:
        context = _W3C.extract({"traceparent": parent}) if parent else None
        with self.tracer.start_as_current_span(
            name,
            context=context,
            attributes=attributes,
            record_exception=False,  # its text may hold anything
            set_status_on_exception=False,
        ) as span:
            try:
                yield _traceparent(trace.set_span_in_context(span))
            except Exception as e:
                span.set_status(trace.Status(trace.StatusCode.ERROR, type(e).__name__))
                raise


def _traceparent(context: Context) -> str | None:
    carrier: dict[str, str] = {}
    inject(carrier, context=context)
    return carrier.get("traceparent")


@dataclass(frozen=True, slots=True)
class TracedHttp:
    """Keeps `ports.http.Http`: one span per attempt. Neither URL nor body is kept."""

    inner: Http
    tracing: Tracing

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        operation = request.headers.get("x-acs-action")
        name = f"cloud {operation}" if operation else f"http {request.method}"
        with self.tracing.span(name, **{"http.request.method": request.method}):
            response = await self.inner.send(request)
            trace.get_current_span().set_attribute("http.response.status_code", response.status)
            return response


def provider_of(processor: SpanProcessor, /, *, service: str) -> TracerProvider:
    """A provider of its own: the process-wide one stays whoever's it is."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    return provider
