"""A keylease on a bus, in one process: the demo's stage, a real NATS server, hosts side by side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keylease.adapters.nats.connection import Jet, Login, connected
from keylease.adapters.nats.layout import Layout
from keylease.adapters.nats.transport import NatsTransport
from keylease.adapters.nats.wire import Wire
from keylease.cli.demo_stage import Stage
from keylease.domain.secret import Secret
from keylease.runtime.references import Context, Sourced
from keylease.runtime.sections import Nats
from keylease.runtime.settings import Settings
from tests.support.nats_server import NatsServer

SIGNING = Secret("a secret that signs messages")
WIRE = Wire((SIGNING,))


def section(server: NatsServer, /, **given: object) -> Nats:
    """Settings of the bus."""
    signing = Sourced("a test", SIGNING)
    document = {"servers": (server.url,), "signing_secret": signing, **given}
    return Nats.model_validate(document, context=Context(folder=server.folder, environment={}))


def settings_on(stage: Stage, server: NatsServer, /, **given: object) -> Settings:
    """The stage's settings, with a bus."""
    return stage.settings().model_copy(update={"nats": section(server), "port": 0, **given})


@asynccontextmanager
async def jet_on(server: NatsServer, /, *, layout: Layout | None = None) -> AsyncIterator[Jet]:
    """An open connection."""
    async with connected((server.url,), login=Login(), layout=layout or Layout()) as jet:
        yield jet


def transport_on(jet: Jet, /) -> NatsTransport:
    return NatsTransport(jet, WIRE)
