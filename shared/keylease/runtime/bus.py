"""The bus as the settings want it; nothing of it is loaded where nobody opens one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keylease.errors import Misconfigured
from keylease.ports.transport import Alarm, DeadLetters, Transport
from keylease.runtime.references import placed
from keylease.runtime.sections import Nats
from keylease.runtime.settings import Settings

if TYPE_CHECKING:
    from keylease.adapters.nats.connection import Login
    from keylease.adapters.nats.wire import Wire


@dataclass(frozen=True, slots=True)
class Bus:
    """What one connection gives."""

    transport: Transport
    alarm: Alarm
    dead: DeadLetters
    described: str
    """For a person who looks after it."""


@asynccontextmanager
async def open_bus(settings: Settings, /) -> AsyncIterator[Bus]:
    """Connect, and check the server and what stands on it.

    Raises:
        Misconfigured: it cannot be used; says what to do.
    """
    wanted = settings.nats
    if wanted is None:
        msg = "nats: is not set; set nats.servers, or run everything by `keylease serve`"
        raise Misconfigured(msg)
    try:
        from keylease.adapters.nats.connection import connected
    except ModuleNotFoundError as e:
        msg = "nats: needs one more package; run: pip install 'keylease[nats]'"
        raise Misconfigured(msg) from e
    from keylease.adapters.nats.alarms import NatsAlarm
    from keylease.adapters.nats.dead import NatsDeadLetters
    from keylease.adapters.nats.layout import Layout
    from keylease.adapters.nats.transport import NatsTransport

    layout = Layout(stream=wanted.stream, replicas=wanted.replicas)
    with placed("nats"):
        login, wire = _login(wanted), _wire(wanted)
    async with connected(wanted.servers, login=login, layout=layout, creates=wanted.creates) as jet:
        yield Bus(
            transport=NatsTransport(jet, wire),
            alarm=NatsAlarm(jet),
            dead=NatsDeadLetters(jet, wire),
            described=jet.described,
        )


def _login(wanted: Nats) -> "Login":
    from keylease.adapters.nats.connection import Login

    return Login(
        user=wanted.user,
        password=wanted.password.secret() if wanted.password else None,
        token=wanted.token.secret() if wanted.token else None,
        credentials=wanted.credentials.secret() if wanted.credentials else None,
    )


def _wire(wanted: Nats) -> "Wire":
    from keylease.adapters.nats.wire import Wire

    given = (wanted.signing_secret, wanted.previous_signing_secret)
    return Wire(tuple(one.secret() for one in given if one is not None))
