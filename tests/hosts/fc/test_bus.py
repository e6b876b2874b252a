"""A whole round over EventBridge: a queue's message in, a lease, result events out to a bus."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from keylease.hosts.fc.builtin import Entry
from tests.support.staged import asking, staged


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


async def test_a_message_from_a_queue_becomes_events_on_a_bus(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, bus() as (url, taken):
        endpoints = json.loads(stage.variables["KEYLEASE_ALIBABA__ENDPOINTS"])
        variables = {
            **stage.environment,
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps({**endpoints, "eventbridge-console": url}),
            "KEYLEASE_SINKS__BUS__KIND": "eventbridge",
            "KEYLEASE_SINKS__BUS__BUS": "keylease",
            "KEYLEASE_SINKS__BUS__REGION": "cn-hangzhou",
        }
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


def carried(taken: dict[str, Any], /) -> dict[str, Any]:
    """As the bus hands an event on: lower-case names, and attributes of its own."""
    named = {name.lower(): value for name, value in taken.items() if name != "bus"}
    return {**named, "aliyuneventbusname": taken["bus"], "aliyunregionid": "cn-hangzhou"}
