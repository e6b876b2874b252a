"""Spans hang together by `traceparent`, and hold no text of an exception."""

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from keylease.adapters.otel.tracing import OtelTracing, TracedHttp, provider_of
from keylease.ports.http import HttpNotSent, HttpRequest, HttpResponse
from keylease.ports.tracing import Untraced

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CANARY = "canary-in-an-exception"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(kept: InMemorySpanExporter) -> OtelTracing:
    provider = provider_of(SimpleSpanProcessor(kept), service="keylease")
    return OtelTracing(provider.get_tracer("test"))


def test_a_span_goes_on_with_the_trace_that_came(
    tracing: OtelTracing, kept: InMemorySpanExporter
) -> None:
    with tracing.span("deliver function:decide", parent=GIVEN, number=1) as traceparent:
        pass

    (span,) = kept.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert traceparent == f"00-{GIVEN[3:35]}-{span.context.span_id:016x}-01"
    assert f"{span.parent.span_id:016x}" == GIVEN[36:52]
    assert dict(span.attributes or {}) == {"number": 1}


def test_a_span_without_a_parent_hangs_below_the_one_around_it(
    tracing: OtelTracing, kept: InMemorySpanExporter
) -> None:
    with tracing.span("outer"), tracing.span("inner"):
        pass

    inner, outer = kept.get_finished_spans()
    assert inner.parent == outer.context
    assert outer.parent is None


def test_a_failure_is_marked_by_its_type_alone(
    tracing: OtelTracing, kept: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match=CANARY), tracing.span("work"):
        raise ValueError(CANARY)

    (span,) = kept.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert CANARY not in span.to_json()


class Answers:
    """An Http that answers 200, or breaks."""

    def __init__(self, failure: Exception | None = None, /) -> None:
        self.failure = failure

    async def send(self, _: HttpRequest, /) -> HttpResponse:
        if self.failure is not None:
            raise self.failure
        return HttpResponse(status=200)


REQUEST = HttpRequest(
    method="POST",
    url=f"https://cloud.example/?Password={CANARY}",
    headers={"x-acs-action": "CreateInstanceAccount", "authorization": CANARY},
    body=CANARY.encode(),
)


async def test_a_call_is_named_by_its_operation_and_keeps_no_content(
    tracing: OtelTracing, kept: InMemorySpanExporter
) -> None:
    await TracedHttp(Answers(), tracing).send(REQUEST)

    (span,) = kept.get_finished_spans()
    assert span.name == "cloud CreateInstanceAccount"
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
    }
    assert CANARY not in span.to_json()


async def test_a_call_that_breaks_is_a_failed_span(
    tracing: OtelTracing, kept: InMemorySpanExporter
) -> None:
    with pytest.raises(HttpNotSent):
        await TracedHttp(Answers(HttpNotSent("no route")), tracing).send(REQUEST)

    (span,) = kept.get_finished_spans()
    assert span.status.description == "HttpNotSent"


def test_without_tracing_the_trace_is_carried_on() -> None:
    with Untraced().span("work", parent=GIVEN, number=1) as traceparent:
        assert traceparent == GIVEN
