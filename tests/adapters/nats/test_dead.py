"""Dead letters: kept with their reason, shown, and sent again as what they were."""

import asyncio

import pytest

from keylease.adapters.nats.connection import Jet
from keylease.adapters.nats.dead import NatsDeadLetters
from keylease.adapters.nats.transport import NatsTransport
from tests.contract.transport import only, parcel
from tests.support.bus import WIRE, transport_on
from tests.support.nats_server import NatsServer


@pytest.fixture
def transport(jet: Jet) -> NatsTransport:
    return transport_on(jet)


@pytest.fixture
def dead(jet: Jet) -> NatsDeadLetters:
    return NatsDeadLetters(jet, WIRE)


async def buried(transport: NatsTransport, number: int, *, reason: str = "why") -> None:
    async with transport.queue("decide") as queue:
        await transport.send(parcel(number))
        await (await only(queue)).bury(reason)


async def test_a_buried_message_is_kept_with_its_reason(
    transport: NatsTransport, dead: NatsDeadLetters, jet: Jet
) -> None:
    await buried(transport, 1, reason="no such\r\nNats-Rollup: all\nü%")

    (found,) = await dead.listed(limit=10)
    assert (found.number, found.function, found.parcel) == (1, "decide", parcel(1))
    assert found.reason == "no such\r\nNats-Rollup: all\nü%"
    assert (await jet.js.stream_info("KEYLEASE")).state.messages == 0


async def test_the_oldest_comes_first_and_no_more_than_asked_for(
    transport: NatsTransport, dead: NatsDeadLetters
) -> None:
    for number in (1, 2, 3):
        await buried(transport, number)

    assert [one.parcel for one in await dead.listed(limit=2)] == [parcel(1), parcel(2)]


async def test_nothing_is_buried_at_first(dead: NatsDeadLetters) -> None:
    assert await dead.listed(limit=10) == ()
    assert await dead.found(1) is None


async def test_a_message_that_two_workers_bury_is_there_once(
    transport: NatsTransport, dead: NatsDeadLetters
) -> None:
    async with transport.queue("decide") as queue:
        await transport.send(parcel(1))
        slow, quick = await only(queue), await only(queue)

        await quick.bury("said first")
        await slow.bury("said later")

    assert [one.parcel for one in await dead.listed(limit=10)] == [parcel(1)]


async def test_a_dead_letter_is_sent_again_as_what_it_was(
    transport: NatsTransport, dead: NatsDeadLetters
) -> None:
    await buried(transport, 1)
    (one,) = await dead.listed(limit=1)

    await dead.replay(one)

    assert await dead.listed(limit=1) == ()
    async with transport.queue("decide") as queue:
        assert (await only(queue)).parcel == parcel(1)


async def test_a_dead_letter_that_fails_again_may_be_sent_again(
    transport: NatsTransport, dead: NatsDeadLetters
) -> None:
    await buried(transport, 1)
    for _ in range(2):
        (one,) = await dead.listed(limit=10)
        await dead.replay(one)
        async with transport.queue("decide") as queue:
            await (await only(queue)).bury("again")

    (one,) = await dead.listed(limit=10)
    assert (one.reason, one.parcel) == ("again", parcel(1))


async def test_what_somebody_else_wrote_is_never_signed_by_a_replay(
    transport: NatsTransport, dead: NatsDeadLetters, jet: Jet
) -> None:
    async with transport.queue("decide") as queue:
        await jet.js.publish("keylease.do.decide.req-1", b"\xffmade up")
        await (await only(queue)).bury("not ours")
        (one,) = await dead.listed(limit=1)
        assert (one.parcel, one.body) == (None, b"\xffmade up")

        await dead.replay(one)

        assert (await only(queue)).parcel is None


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_forged_message_takes_no_ones_place(
    transport: NatsTransport, dead: NatsDeadLetters, jet: Jet, *, is_first: bool
) -> None:
    async def forges() -> None:
        _, headers = WIRE.written(parcel(1))
        async with transport.queue("decide") as queue:
            await jet.js.publish("keylease.do.decide.req-1", b"made up", headers=headers)
            await (await only(queue)).bury("not ours")
        await forgets()

    async def forgets() -> None:
        """The server does not know the id any more."""
        await jet.js.delete_stream("KEYLEASE")
        await transport.mend()

    if is_first:
        await forges()
    await buried(transport, 1)
    if not is_first:
        await forgets()
        await forges()

    assert parcel(1) in [one.parcel for one in await dead.listed(limit=10)]
    assert len(await dead.listed(limit=10)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        b"NATS/1.0\r\nKeylease-Signature: \xff\xfe\r\n\r\n",
        b"NATS/1.0\r\nKeylease-Function: \xed\xa0\x80\r\n\r\n",
        b"NATS/1.0\r\nA:\r\n b\r\n\r\n",
        b"NATS/1.0\r\n\x00: \x00\r\n\r\n",
        b"NATS/1.0\r\n: x\r\n\r\n",
        b"NATS/1.0\r\nStatus: 503\r\nNats-Pending-Messages: x\r\n\r\n",
        b"NATS/1.0 503 \xff\r\n\r\n",
        b"NATS/1.0 408 x\r\n\r\n",
        b"NATS/1.0\r\n\r\n",
    ],
)
async def test_any_headers_at_all_can_be_buried(
    transport: NatsTransport, dead: NatsDeadLetters, server: NatsServer, headers: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n')
    sizes = b"%d %d" % (len(headers), len(headers) + 2)
    writer.write(b"HPUB keylease.do.decide.r " + sizes + b"\r\n" + headers + b"\xff\x00\r\n")
    writer.write(b"PING\r\n")
    assert await reader.readuntil(b"PONG")
    writer.close()

    async with transport.queue("decide") as queue:
        await (await only(queue)).bury("not ours")

    assert [one.body for one in await dead.listed(limit=10)] == [b"\xff\x00"]


async def test_a_dead_letter_is_found_by_its_number(
    transport: NatsTransport, dead: NatsDeadLetters
) -> None:
    await buried(transport, 1)

    found = await dead.found(1)

    assert found is not None
    assert found.parcel == parcel(1)
    assert await dead.found(2) is None


async def test_a_dead_letter_that_somebody_else_sent_again_is_not_sent_twice(
    transport: NatsTransport, dead: NatsDeadLetters, jet: Jet
) -> None:
    await buried(transport, 1)
    (one,) = await dead.listed(limit=1)

    await dead.replay(one)
    await dead.replay(one)

    assert (await jet.js.stream_info("KEYLEASE")).state.messages == 1
