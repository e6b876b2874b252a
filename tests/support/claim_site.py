"""The claim page on loopback, over one scene."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from keylease.adapters.web.pages import WebPages
from keylease.hosts.claim_page import claim_routes
from keylease.hosts.http import RUNNER
from tests.support.handover import Handover


@asynccontextmanager
async def claim_site(scene: Handover) -> AsyncIterator[str]:
    """Serve it; gives its address."""
    app = web.Application()
    app.add_routes(claim_routes(scene.claim, pages=WebPages()))
    server = TestServer(app, host="127.0.0.1")
    await server.start_server(**RUNNER)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
