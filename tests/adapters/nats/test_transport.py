"""The transport on a real server: its contract, and what happens to it when the server falls."""

import asyncio
from dataclasses import replace

import pytest

from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.transport import NatsTransport
from keylease.errors import ProviderRefused, ProviderTransient
from keylease.ports.store import Parcel
from keylease.ports.transport import Delivery, Queue, Transport
from keylease.runtime.gauges import measured_bus
from tests.contract.transport import TransportContract, only, parcel, taken
from tests.support.bus import WIRE, transport_on
from tests.support.nats_server import NatsServer


@pytest.fixture
def transport(jet: Jet) -> Transport:
    return transport_on(jet)


class TestNatsTransport(TransportContract):
    """Keeps the promise."""


async def sent(transport: Transport, number: int) -> None:
    """However often the bus is away meanwhile."""
    for _ in range(100):
        try:
            await transport.send(parcel(number))
        except ProviderTransient:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the bus does not come back")


async def fails(queue: Queue) -> None:
    """Until it finds that the bus is away."""
    for _ in range(10):
        try:
            await queue.take(1)
        except ProviderTransient:
            return
    raise AssertionError("it found nothing wrong")


async def test_what_waits_survives_the_death_of_the_server(
    transport: NatsTransport, server: NatsServer
) -> None:
    await transport.send(parcel(1))
    await server.kill()

    with pytest.raises(ProviderTransient):
        await transport.send(parcel(2))

    await server.start()
    await sent(transport, 2)
    async with transport.queue("decide") as queue:
        assert [one.parcel for one in await taken(queue)][:1] == [parcel(1)]


async def test_a_queue_goes_on_after_the_death_of_the_server(
    transport: NatsTransport, server: NatsServer
) -> None:
    async with transport.queue("decide") as queue:
        await transport.send(parcel(1))
        await (await only(queue)).done()
        await server.kill()
        await fails(queue)

        await server.start()
        await sent(transport, 2)

        async with asyncio.timeout(20):
            while await given(queue) != parcel(2):  # the first may come again: who answers, may die
                continue


async def given(queue: Queue) -> Parcel | None:
    """What comes next, if anything does; a bus that is away is waited for."""
    try:
        found = await queue.take(1)
    except ProviderTransient:
        await asyncio.sleep(0.1)
        return None
    for one in found:
        await one.done()
    return found[0].parcel if found else None


async def test_a_lost_stream_is_made_anew(transport: NatsTransport, jet: Jet) -> None:
    async with transport.queue("decide") as queue:
        await jet.js.delete_stream("KEYLEASE")

        with pytest.raises(ProviderTransient):
            await transport.send(parcel(1))
        await fails(queue)

        await queue.mend()
        await transport.send(parcel(1))
        assert (await only(queue)).parcel == parcel(1)


async def test_a_lost_consumer_is_made_anew(transport: NatsTransport, jet: Jet) -> None:
    async with transport.queue("decide") as queue:
        await jet.js.delete_consumer("KEYLEASE", "decide")
        await transport.send(parcel(1))

        await fails(queue)

        await queue.mend()
        assert (await only(queue)).parcel == parcel(1)


async def test_what_is_too_long_for_the_bus_is_refused(transport: NatsTransport) -> None:
    plain = parcel(1)
    event = plain.outgoing.event.model_copy(update={"data": {"long": "x" * 2_000_000}})
    too_long = replace(plain, outgoing=replace(plain.outgoing, event=event))

    with pytest.raises(ProviderRefused):
        await transport.send(too_long)


async def test_a_message_that_is_not_ours_has_a_flaw(transport: NatsTransport, jet: Jet) -> None:
    async with transport.queue("decide") as queue:
        await jet.js.publish("keylease.do.decide.req-1", b'{"type": "made up"}')
        delivery = await only(queue)

        assert delivery.parcel is None
        assert delivery.flaw == "the message has no signature of ours"


async def test_the_bus_says_what_it_holds(transport: NatsTransport) -> None:
    async with transport.queue("decide") as queue:
        for number in (1, 2, 3):
            await transport.send(parcel(number))
        await (await only(queue)).bury("why")
        await (await only(queue)).done()
        await asyncio.sleep(0.2)

        assert await measured_bus(transport) == {
            "bus_away": 0,
            "bus_waiting": 1,
            "dead_letters": 1,
        }


async def test_a_bus_that_is_away_is_a_number_too(
    transport: NatsTransport, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport.jet.js, "_timeout", 0.2)
    await server.kill()

    assert await measured_bus(transport) == {"bus_away": 1}


async def test_whoever_leaves_while_it_waits_takes_nothing_with_it(
    transport: NatsTransport,
) -> None:
    async with transport.queue("decide") as first, transport.queue("decide") as second:
        taking = asyncio.ensure_future(first.take(5))
        await asyncio.sleep(0.1)  # its request stands at the server
        taking.cancel()
        await first.leave()
        for number in range(5):
            await transport.send(parcel(number))
        async with asyncio.timeout(1):  # sooner than a silent worker's are given to another
            found = list[Delivery]()
            while len(found) < 5:
                found += await second.take(5)

    assert [one.parcel for one in found] == [parcel(number) for number in range(5)]


async def test_a_message_for_another_function_has_a_flaw(
    transport: NatsTransport, jet: Jet
) -> None:
    body, headers = WIRE.written(parcel(1, to="converge"))
    async with transport.queue("decide") as queue:
        await jet.js.publish("keylease.do.decide.req-1", body, headers=headers)
        delivery = await only(queue)

        assert (delivery.parcel, delivery.flaw) == (None, "it is for another function")


async def test_an_answered_message_is_kept_nowhere(transport: NatsTransport, jet: Jet) -> None:
    async with transport.queue("decide") as queue:
        await transport.send(parcel(1))
        await (await only(queue)).done()
        await asyncio.sleep(0.2)

    assert (await jet.js.stream_info("KEYLEASE")).state.messages == 0
