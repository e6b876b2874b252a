"""One trace from the chat message to the cloud's calls, and metrics that Prometheus reads."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from keylease.cli.demo_stage import staged
from keylease.errors import Misconfigured
from keylease.hosts.intake import taking_in
from keylease.hosts.worker import working
from keylease.runtime.references import Context
from keylease.runtime.sections import Telemetry
from tests.e2e.playing import ANA, OfficialSlack, Play, playing
from tests.support.bus import settings_on
from tests.support.nats_server import nats_server


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Span]]]:
    """Takes what OTLP exporters send; its address, and the spans so far."""
    spans: list[Span] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        assert request.headers["x-tenant"] == "bench"
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                spans.extend(scope.spans)
        return web.Response(body=b"")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces", spans
    finally:
        await runner.cleanup()


def telemetry(**given: object) -> Telemetry:
    context = Context(folder=Path(), environment={"TENANT": "bench"})
    document = {"headers": {"x-tenant": {"env": "TENANT"}}, **given}
    return Telemetry.model_validate(document, context=context)


async def one_lease(wanted: Telemetry, /) -> None:
    async with playing(telemetry=wanted) as play:
        request_id = await play.asks("orders-consumer for 5m because INC-1")
        await play.told(ANA, request_id, "is active")


def path_to(spans: list[Span], name: str) -> list[str]:
    """The names of the only one with that name and of all above it."""
    by_id = {span.span_id: span for span in spans}
    (span,) = [span for span in spans if span.name == name]
    path = [span.name]
    while span.parent_span_id:
        span = by_id[span.parent_span_id]
        path.append(span.name)
    return path


async def test_one_trace_leads_from_the_chat_message_to_the_cloud() -> None:
    async with collector() as (endpoint, spans):
        await one_lease(telemetry(traces=endpoint))

    assert path_to(spans, "cloud CreateInstanceAccount") == [
        "cloud CreateInstanceAccount",
        "deliver function:converge",
        "deliver function:decide",
        "receive slack",
    ]


async def test_the_trace_goes_over_the_bus() -> None:
    async with (
        collector() as (endpoint, spans),
        staged() as stage,
        nats_server() as server,
        aiohttp.ClientSession() as session,
    ):
        settings = settings_on(stage, server, telemetry=telemetry(traces=endpoint))
        async with taking_in(settings) as served, working(settings):
            secret = stage.variables["DEMO_SLACK_SIGNING_SECRET"]
            slack = OfficialSlack(url=served.url, secret=secret, session=session)
            play = Play(stage, served, slack, session)
            request_id = await play.asks("orders-consumer for 5m because INC-1")
            await play.told(ANA, request_id, "is active")

    assert path_to(spans, "cloud CreateInstanceAccount") == [
        "cloud CreateInstanceAccount",
        "deliver function:converge",
        "deliver function:decide",
        "receive slack",
    ]


async def test_prometheus_reads_what_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    async with playing(telemetry=telemetry(metrics=f"127.0.0.1:{port}", every="1s")) as play:
        request_id = await play.asks("orders-consumer for 5m because INC-1")
        await play.told(ANA, request_id, "is active")
        text = ""
        async with asyncio.timeout(10), aiohttp.ClientSession() as session:
            while "keylease_state_overdue_leases" not in text:
                async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                    text = await response.text()

    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")
    assert float(lines['keylease_received_total{result="taken"}']) >= 1
    calls = 'keylease_cloud_calls_total{code="ok",operation="CreateInstanceAccount"}'
    assert float(lines[calls]) == 1
    assert float(lines["keylease_state_parked"]) == 0
    assert float(lines["keylease_state_overdue_leases"]) == 0


async def test_a_taken_port_is_said_before_anything_is_served() -> None:
    async with collector() as (endpoint, _):
        taken = endpoint.removeprefix("http://").partition("/")[0]
        with pytest.raises(Misconfigured, match=r"telemetry\.metrics: cannot listen on"):
            async with playing(telemetry=telemetry(metrics=taken)):
                raise AssertionError
