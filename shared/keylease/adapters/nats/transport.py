"""Carries parcels over JetStream: sends them, and hands out what waits for one function."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from nats.aio.msg import Msg

from keylease.adapters.nats.connection import ANSWERS_WITHIN, Jet
from keylease.adapters.nats.dead import bury
from keylease.adapters.nats.errors import WHO, translated
from keylease.adapters.nats.layout import ACK_WAIT
from keylease.adapters.nats.pull import Pull, pulling
from keylease.adapters.nats.wire import Wire, function_of
from keylease.errors import NotGenuine, ProviderTransient
from keylease.ports.store import Parcel
from keylease.ports.transport import Delivery


@dataclass(frozen=True, slots=True)
class NatsTransport:
    """Keeps `ports.transport.Transport`."""

    jet: Jet
    wire: Wire

    @property
    def patience(self) -> timedelta:
        return ACK_WAIT

    async def send(self, parcel: Parcel, /) -> None:
        if not self.jet.is_there:
            raise ProviderTransient(WHO, "disconnected")
        body, headers = self.wire.written(parcel)
        layout = self.jet.layout
        subject = layout.work_subject(function_of(parcel), parcel.outgoing.event.subject)
        with translated():
            await self.jet.js.publish(
                subject,
                body,
                headers=headers,
                stream=layout.stream,
                timeout=ANSWERS_WITHIN.total_seconds(),
            )

    @asynccontextmanager
    async def queue(self, function: str, /) -> AsyncIterator["NatsQueue"]:
        stream = self.jet.layout.stream
        await self.jet.ensure_consumer(stream, self.jet.layout.consumer(function))
        async with pulling(self.jet.client, stream=stream, consumer=function) as pull:
            yield NatsQueue(self.jet, self.wire, function, pull)

    async def measured(self) -> Mapping[str, int]:
        with translated():
            work = await self.jet.js.stream_info(self.jet.layout.stream)
            dead = await self.jet.js.stream_info(self.jet.layout.dead)
        return {"bus_waiting": work.state.messages, "dead_letters": dead.state.messages}

    async def mend(self) -> None:
        """Make streams anew that were lost; what they held stands in the store."""
        await self.jet.ensure_streams()


@dataclass(frozen=True, slots=True)
class NatsQueue:
    """Keeps `ports.transport.Queue`."""

    jet: Jet
    wire: Wire
    function: str
    pull: Pull

    async def take(self, most: int, /) -> tuple[Delivery, ...]:
        return tuple(self._delivery(msg) for msg in await self.pull.take(most))

    async def leave(self) -> None:
        for msg in await self.pull.leave():
            with translated():
                await msg.nak()

    async def mend(self) -> None:
        await self.jet.ensure_streams()
        await self.jet.ensure_consumer(
            self.jet.layout.stream, self.jet.layout.consumer(self.function)
        )

    def _delivery(self, msg: Msg) -> "NatsDelivery":
        times = msg.metadata.num_delivered
        try:
            parcel = self.wire.read(msg.data, msg.headers or {}, attempts=times - 1)
        except NotGenuine as e:
            return NatsDelivery(self.jet, msg, self.function, flaw=e.code)
        if function_of(parcel) != self.function:  # a genuine one, put here by somebody else
            return NatsDelivery(self.jet, msg, self.function, flaw="it is for another function")
        return NatsDelivery(self.jet, msg, self.function, parcel=parcel)


@dataclass(frozen=True, slots=True, eq=False)
class NatsDelivery:
    """Keeps `ports.transport.Delivery`."""

    jet: Jet
    msg: Msg
    function: str
    parcel: Parcel | None = None
    flaw: str = ""

    async def done(self) -> None:
        with translated():
            await self.msg.ack()

    async def again(self, *, after: timedelta) -> None:
        with translated():
            await self.msg.nak(delay=after.total_seconds())

    async def working(self) -> None:
        with translated():
            await self.msg.in_progress()

    async def bury(self, reason: str, /) -> None:
        await bury(self.jet, self.msg, function=self.function, name=self._name, reason=reason)
        with translated():
            await self.msg.term()

    @property
    def _name(self) -> str:
        """Its own as a dead letter; one that is not ours may not take the place of one that is."""
        if self.parcel is None:
            where = self.msg.metadata
            return f"{where.sequence.stream} {where.timestamp.isoformat()}"
        return f"{self.parcel.outgoing.event.id} {self.parcel.seq}"
