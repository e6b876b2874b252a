"""Where spans and metrics go: a collector by OTLP, Prometheus by an endpoint of its own.

Both work on threads of their own and never hold up the loop: a collector that is gone costs spans.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, start_http_server

from keylease.adapters.otel.metering import Metering
from keylease.adapters.otel.tracing import OtelTracing, provider_of
from keylease.errors import Misconfigured

SERVICE = "keylease"


@asynccontextmanager
async def otlp_tracing(
    endpoint: str, /, *, headers: Mapping[str, str]
) -> AsyncIterator[OtelTracing]:
    """Spans to a collector; what is not sent yet is sent at the end, for a few seconds at most."""
    exporter = OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=5)
    provider = provider_of(BatchSpanProcessor(exporter), service=SERVICE)
    try:
        yield OtelTracing(provider.get_tracer(SERVICE))
    finally:
        await asyncio.to_thread(provider.shutdown)


@contextmanager
def prometheus_metrics(host: str, port: int, /) -> Iterator[int]:
    """Count what log lines say, and answer Prometheus; yields the port.

    Raises:
        Misconfigured: the address cannot be listened on.
    """
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(
        registry=registry, disable_target_info=True, scope_info_enabled=False
    )
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as e:
        msg = f"telemetry.metrics: cannot listen on {host}:{port} ({e.strerror}); choose another"
        raise Misconfigured(msg) from e
    metering = Metering(provider.get_meter(SERVICE))
    processors = structlog.get_config()["processors"]
    processors.insert(0, metering)
    try:
        yield server.server_port
    finally:
        processors.remove(metering)
        server.shutdown()
        server.server_close()
        thread.join()
        provider.shutdown()
