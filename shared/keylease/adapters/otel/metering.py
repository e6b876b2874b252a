"""Metrics out of log lines: what a line says is counted, so that the two cannot disagree.

It is a processor in front of all others, and passes every line on as it came. A line below the
log's level is not counted; `info`, the default, has them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.metrics import Counter, Histogram, Meter, Observation
from structlog.typing import EventDict

Labels = Mapping[str, str]
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Edges of a call's duration: a healthy cloud answers in tens of milliseconds."""


@dataclass(slots=True)
class Metering:
    """Keeps structlog's `Processor`."""

    meter: Meter
    gauges: dict[str, int] = field(default_factory=dict)
    _counters: dict[str, Counter] = field(default_factory=dict)
    _calls: Histogram | None = None
    _said: Mapping[str, Callable[[EventDict], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._said = {
            "event.delivered": lambda line: self._delivery(line, "delivered"),
            "event.postponed": lambda line: self._delivery(line, "postponed"),
            "event.parked": lambda line: self._delivery(line, "parked"),
            "event.buried": lambda line: self._delivery(line, "buried"),
            "delivery.crashed": lambda line: self._delivery(line, "crashed"),
            "cloud.called": self._called,
            "intake.received": lambda _: self._count("keylease.received", result="taken"),
            "intake.rejected": lambda _: self._count("keylease.received", result="rejected"),
            "intake.repeated": lambda _: self._count("keylease.received", result="repeated"),
            "intake.postponed": lambda _: self._count("keylease.received", result="postponed"),
            "state.measured": self._measured,
        }
        self._calls = self.meter.create_histogram(
            "keylease.cloud.call.duration",
            unit="s",
            description="One call of the cloud with all its attempts",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    def __call__(self, _: object, __: str, line: EventDict) -> EventDict:
        count = self._said.get(line["event"])
        if count is not None:
            count(line)
        return line

    def _count(self, name: str, **labels: str) -> None:
        if name not in self._counters:
            self._counters[name] = self.meter.create_counter(name, unit="1")
        self._counters[name].add(1, labels)

    def _delivery(self, line: EventDict, outcome: str) -> None:
        self._count(
            "keylease.deliveries", destination=str(line.get("destination", "")), outcome=outcome
        )
        if outcome == "delivered" and str(line.get("destination")).startswith("function:"):
            self._count("keylease.events", type=str(line.get("type", "")))

    def _called(self, line: EventDict) -> None:
        labels = {"operation": str(line["operation"]), "code": str(line["code"] or "ok")}
        self._count("keylease.cloud.calls", **labels)
        if self._calls is not None:
            self._calls.record(float(line["ms"]) / 1000, {"operation": labels["operation"]})

    def _measured(self, line: EventDict) -> None:
        """Each number of the line is a gauge by its own name."""
        numbers: dict[str, Any] = {k: v for k, v in line.items() if isinstance(v, int)}
        for name in numbers.keys() - self.gauges.keys():
            self._watch(name)
        self.gauges.update(numbers)

    def _watch(self, name: str) -> None:
        self.meter.create_observable_gauge(
            f"keylease.state.{name}",
            callbacks=[lambda _: [Observation(self.gauges[name])]],
        )
