"""One server for a test; deliveries that nobody answers come back soon."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from keylease.adapters.nats import layout, transport
from keylease.adapters.nats.connection import Jet
from tests.support.bus import jet_on
from tests.support.nats_server import NatsServer, nats_server

PATIENCE = timedelta(seconds=1.5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (layout, transport):
        monkeypatch.setattr(module, "ACK_WAIT", PATIENCE)


@pytest.fixture
async def server() -> AsyncIterator[NatsServer]:
    async with nats_server() as server:
        yield server


@pytest.fixture
async def jet(server: NatsServer) -> AsyncIterator[Jet]:
    async with jet_on(server) as jet:
        yield jet
