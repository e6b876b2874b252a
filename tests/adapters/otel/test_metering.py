"""Metrics are what log lines say, and every line goes on as it came."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint

from keylease.adapters.otel.metering import Metering


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def metering(reader: InMemoryMetricReader) -> Metering:
    return Metering(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"))


def say(metering: Metering, event: str, **line: Any) -> None:
    given = {"event": event, **line}
    assert metering(None, "info", dict(given)) == given


def read(reader: InMemoryMetricReader) -> dict[tuple[str, ...], float]:
    """Value, or count of a histogram, by name and labels."""
    found = reader.get_metrics_data()
    return {
        (metric.name, *(str(value) for _, value in sorted((point.attributes or {}).items()))): (
            point.value if isinstance(point, NumberDataPoint) else point.count
        )
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_deliveries_are_counted_by_outcome(
    metering: Metering, reader: InMemoryMetricReader
) -> None:
    say(metering, "event.delivered", destination="function:decide", type="io.keylease.x.v1")
    say(metering, "event.delivered", destination="sink:audit", type="io.keylease.x.v1")
    say(metering, "event.postponed", destination="sink:audit", type="io.keylease.x.v1")
    say(metering, "event.postponed", destination="sink:audit", type="io.keylease.x.v1")
    say(metering, "event.parked", destination="sink:audit", type="io.keylease.x.v1")

    assert read(reader) == {
        ("keylease.deliveries", "function:decide", "delivered"): 1,
        ("keylease.deliveries", "sink:audit", "delivered"): 1,
        ("keylease.deliveries", "sink:audit", "postponed"): 2,
        ("keylease.deliveries", "sink:audit", "parked"): 1,
        ("keylease.events", "io.keylease.x.v1"): 1,
    }


def test_calls_of_the_cloud_are_counted_and_timed(
    metering: Metering, reader: InMemoryMetricReader
) -> None:
    say(metering, "cloud.called", operation="GetTopic", code="", ms=12.5, cloud_request_id="R1")
    say(metering, "cloud.called", operation="GetTopic", code="Throttling", ms=900.0)

    assert read(reader) == {
        ("keylease.cloud.calls", "ok", "GetTopic"): 1,
        ("keylease.cloud.calls", "Throttling", "GetTopic"): 1,
        ("keylease.cloud.call.duration", "GetTopic"): 2,
    }


def test_what_comes_in_is_counted_by_result(
    metering: Metering, reader: InMemoryMetricReader
) -> None:
    for event in ("intake.received", "intake.rejected", "intake.repeated", "intake.postponed"):
        say(metering, event, request_id="req-1")

    assert read(reader) == {
        ("keylease.received", "taken"): 1,
        ("keylease.received", "rejected"): 1,
        ("keylease.received", "repeated"): 1,
        ("keylease.received", "postponed"): 1,
    }


def test_the_latest_state_is_shown(metering: Metering, reader: InMemoryMetricReader) -> None:
    say(metering, "state.measured", parked=3, overdue_leases=1)
    say(metering, "state.measured", parked=2, overdue_leases=5)

    assert read(reader) == {
        ("keylease.state.parked",): 2,
        ("keylease.state.overdue_leases",): 5,
    }


def test_other_lines_count_nothing(metering: Metering, reader: InMemoryMetricReader) -> None:
    say(metering, "serve.ready", url="http://127.0.0.1")

    assert read(reader) == {}
