"""Dashboard, alerts and page name metrics that there are, and all of them."""

import json
import re

import pytest
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.store import MemoryStore
from keylease.adapters.otel.metering import Metering
from keylease.runtime.gauges import measured
from tests.docs.pages import DOCS
from tests.support.tree import ROOT

OBSERVABILITY = ROOT / "infra" / "observability"
DASHBOARD = (OBSERVABILITY / "dashboard.json").read_text()
ALERTS = (OBSERVABILITY / "alerts.yaml").read_text()
PAGE = (DOCS / "observability.md").read_text()
RULES = yaml.safe_load(ALERTS)["groups"][0]["rules"]


@pytest.fixture
async def exported() -> set[str]:
    """Every metric that Prometheus would read, by name."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry, disable_target_info=True)
    metering = Metering(MeterProvider([reader], shutdown_on_exit=False).get_meter("test"))
    state = await measured(MemoryStore(), clock=ManualClock())
    bus = {"bus_waiting": 0, "dead_letters": 0, "bus_away": 0}  # tests/adapters/nats, with a server
    lines = (
        {"event": "event.delivered", "destination": "function:decide", "type": "t"},
        {"event": "cloud.called", "operation": "GetTopic", "code": "", "ms": 1.0},
        {"event": "intake.received"},
        {"event": "state.measured", **state, **bus},
    )
    for line in lines:
        metering(None, "info", line)
    text = generate_latest(registry).decode()
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def named_in(text: str, /) -> set[str]:
    return {name.removesuffix("_bucket") for name in re.findall(r"\bkeylease_[a-z_]+", text)} - {
        "keylease_"
    }


@pytest.mark.parametrize("text", [DASHBOARD, PAGE])
def test_every_metric_is_named_and_no_other(text: str, exported: set[str]) -> None:
    assert named_in(text) == exported


def test_alerts_name_only_metrics_that_there_are(exported: set[str]) -> None:
    assert named_in(ALERTS) <= exported


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_has_a_runbook_and_a_line_on_the_page(rule: dict[str, object]) -> None:
    annotations = rule["annotations"]
    assert isinstance(annotations, dict)

    assert (ROOT / str(annotations["runbook"])).is_file()
    assert f"| `{rule['alert']}` |" in PAGE


def test_panels_do_not_overlap() -> None:
    taken = [
        (x, y)
        for panel in json.loads(DASHBOARD)["panels"]
        for at in (panel["gridPos"],)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23
