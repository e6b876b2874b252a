"""Entrance and workers on a real bus: the main job, and what the bus loses, doubles or mixes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from keylease.cli.demo_stage import staged
from keylease.hosts.intake import taking_in
from keylease.hosts.worker import working
from tests.e2e.playing import ANA, BO, OfficialSlack, Play
from tests.support.bus import settings_on
from tests.support.nats_server import NatsServer, nats_server


@asynccontextmanager
async def split(*, workers: int = 2) -> AsyncIterator[tuple[Play, NatsServer]]:
    """One entrance, some workers, one store, one bus."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged())
        server = await stack.enter_async_context(nats_server())
        settings = settings_on(stage, server)
        served = await stack.enter_async_context(taking_in(settings))
        for _ in range(workers):
            await stack.enter_async_context(working(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        secret = stage.variables["DEMO_SLACK_SIGNING_SECRET"]
        slack = OfficialSlack(url=served.url, secret=secret, session=session)
        yield Play(stage=stage, served=served, slack=slack, session=session), server


async def test_a_lease_lives_and_ends_over_the_bus() -> None:
    async with split() as (play, _):
        request_id = await play.asks("orders-consumer for 5m because INC-1")
        await play.told(ANA, request_id, "is active")
        await play.slack.types(ANA, f"release {request_id}")
        await play.told(ANA, request_id, "ended")
