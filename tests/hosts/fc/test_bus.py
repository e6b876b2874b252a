"""A whole round over EventBridge: a queue's message in, a lease, result events out to a bus."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from structlog.testing import capture_logs

from keylease.hosts.fc.builtin import Entry
from keylease.hosts.fc.custom import Serves, custom, serving
from keylease.hosts.fc.hint import WAITING
from tests.support.staged import Staged, asking, staged

CORPUS = Path(__file__).parent / "corpus"


@asynccontextmanager
async def bus() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """An EventBridge that takes everything, and what it was given."""
    taken: list[dict[str, Any]] = []

    async def put(request: web.Request) -> web.Response:
        form = parse_qs(await request.text(), strict_parsing=True)
        taken.extend(
            {"bus": form["EventBusName"][0], **e} for e in json.loads(form["EventList"][0])
        )
        return web.json_response({"Success": True, "Data": {"FailedEntryCount": 0}})

    app = web.Application()
    app.add_routes([web.post("/", put)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", taken
    finally:
        await runner.cleanup()


def on_bus(stage: Staged, url: str, /) -> dict[str, str]:
    """The settings of a process whose result events go to a bus there."""
    endpoints = json.loads(stage.variables["KEYLEASE_ALIBABA__ENDPOINTS"])
    return {
        **stage.environment,
        "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps({**endpoints, "eventbridge-console": url}),
        "KEYLEASE_SINKS__BUS__KIND": "eventbridge",
        "KEYLEASE_SINKS__BUS__BUS": "keylease",
        "KEYLEASE_SINKS__BUS__REGION": "cn-hangzhou",
    }


async def test_a_message_from_a_queue_becomes_events_on_a_bus(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, bus() as (url, taken):
        variables = on_bus(stage, url)
        entry = Entry("intake", variables=variables)
        message = {"specversion": "1.0", "id": "m-1", "source": "mns", "data": {}}
        message |= {"type": "mns:Queue:SendMessage", "data": {"messageBody": asking()}}

        answer = await asyncio.to_thread(entry.handler, json.dumps([message]).encode(), None)
        await asyncio.to_thread(entry.pre_stop, None)
        decide = Entry("decide", variables=variables)
        told = json.dumps([carried(one) for one in taken]).encode()
        back = await asyncio.to_thread(decide.handler, told, None)
        await asyncio.to_thread(decide.pre_stop, None)

    assert json.loads(str(answer)) == {"calm": True, "done": 1}
    assert [one["Type"].removeprefix("io.keylease.").removesuffix(".v1") for one in taken] == [
        "request.submitted",
        "request.approved",
        "lease.activated",
    ]
    assert {one["bus"] for one in taken} == {"keylease"}
    assert json.loads(str(back)) == {"calm": True, "done": 1, "ignored": 2}


async def asked(entry: Entry, stage: Staged, /, id_: str = "ask-1") -> Any:
    """What the HTTP trigger gets when billing asks."""
    call = json.loads((CORPUS / "http-text.json").read_text())
    headers = {"Authorization": f"Bearer {stage.bearer}"}
    headers |= {"Content-Type": "application/cloudevents+json"}
    call |= {"rawPath": "/events", "headers": headers, "body": json.dumps(asking(id_))}
    call["requestContext"]["http"] |= {"method": "POST", "path": "/events"}
    return await asyncio.to_thread(entry.handler, json.dumps(call).encode(), None)


async def test_a_call_of_http_has_what_it_left_delivered_elsewhere_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, bus() as (url, taken):
        intake, sweep = (Entry(name, variables=on_bus(stage, url)) for name in ("intake", "sweep"))
        answer = await asked(intake, stage)
        (hint,) = taken
        driven = await asyncio.to_thread(sweep.handler, json.dumps(carried(hint)).encode(), None)
        again = await asked(intake, stage)
        for entry in (intake, sweep):
            await asyncio.to_thread(entry.pre_stop, None)

    assert (answer["statusCode"], again["statusCode"]) == (202, 202)
    assert hint["Type"] == WAITING
    assert json.loads(str(driven)) == {"calm": True, "ignored": 1}
    types = [one["Type"] for one in taken[1:]]
    assert types[-1] == "io.keylease.lease.activated.v1"
    assert WAITING not in types  # the message that came again left nothing


async def test_a_custom_runtime_hints_too(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, bus() as (url, taken), aiohttp.ClientSession() as session:
        variables = {**on_bus(stage, url), "FC_FUNCTION_NAME": "intake"}
        function = custom("intake", variables=variables)
        async with serving(function, serves=Serves.HTTP, host="127.0.0.1", port=0) as port:
            headers = {"Authorization": f"Bearer {stage.bearer}"}
            headers |= {"Content-Type": "application/cloudevents+json"}
            there, body = f"http://127.0.0.1:{port}/events", json.dumps(asking())
            async with session.post(there, headers=headers, data=body) as answer:
                assert answer.status == 202

    assert [one["Type"] for one in taken] == [WAITING]


async def test_a_hint_that_is_lost_costs_the_caller_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        intake = Entry("intake", variables=on_bus(stage, "http://127.0.0.1:9"))
        with capture_logs() as logs:
            answer = await asked(intake, stage)
        await asyncio.to_thread(intake.pre_stop, None)

    assert answer["statusCode"] == 202
    assert [one["event"] for one in logs if one["log_level"] == "warning"].count(
        "fc.hint_lost"
    ) == 1


def carried(taken: dict[str, Any], /) -> dict[str, Any]:
    """As the bus hands an event on: lower-case names, and attributes of its own."""
    named = {name.lower(): value for name, value in taken.items() if name != "bus"}
    return {**named, "aliyuneventbusname": taken["bus"], "aliyunregionid": "cn-hangzhou"}
