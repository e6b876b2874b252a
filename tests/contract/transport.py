"""What every transport promises: subclass `TransportContract`, give it a fixture `transport`."""

import asyncio
from datetime import timedelta

import pytest

from keylease.domain.events import Event, RequestSubmitted
from keylease.ports.store import Outgoing, Parcel
from keylease.ports.transport import Delivery, Queue, Transport
from tests.support.build import NOW

TRIES = 20


def parcel(seq: int, /, *, subject: str = "req-1", to: str = "decide") -> Parcel:
    event = Event.of(RequestSubmitted(request_id=subject), id=f"evt-{seq}", time=NOW)
    return Parcel(seq=seq, outgoing=Outgoing(event=event, destination=f"function:{to}"), attempts=0)


async def taken(queue: Queue, most: int = 10) -> tuple[Delivery, ...]:
    """What comes, once something does."""
    for _ in range(TRIES):
        if found := await queue.take(most):
            return found
    raise AssertionError("nothing came")


async def only(queue: Queue) -> Delivery:
    """The first; this worker has room for one."""
    (delivery,) = await taken(queue, 1)
    return delivery


async def kept_busy(delivery: Delivery, *, patience: timedelta) -> None:
    while True:
        await delivery.working()
        await asyncio.sleep(patience.total_seconds() / 3)


class TransportContract:
    """Subclasses provide `transport`; its patience is a second or two."""

    async def test_a_parcel_arrives_as_it_was_sent(self, transport: Transport) -> None:
        async with transport.queue("decide") as queue:
            await transport.send(parcel(1))
            delivery = await only(queue)

            assert delivery.parcel == parcel(1)
            assert delivery.flaw == ""

    async def test_what_was_sent_before_anybody_listened_arrives(
        self, transport: Transport
    ) -> None:
        await transport.send(parcel(1))

        async with transport.queue("decide") as queue:
            assert (await only(queue)).parcel == parcel(1)

    @pytest.mark.parametrize("subject", ["rmq-1/svc.orders", "a b", ">", "*", "%", "ü\u2028", ".."])
    async def test_any_subject_travels(self, transport: Transport, subject: str) -> None:
        async with transport.queue("decide") as queue:
            await transport.send(parcel(1, subject=subject))

            assert (await only(queue)).parcel == parcel(1, subject=subject)

    async def test_the_same_parcel_again_is_carried_once(self, transport: Transport) -> None:
        for _ in range(3):
            await transport.send(parcel(1))
        await transport.send(parcel(2))

        async with transport.queue("decide") as queue:
            found = [one.parcel for one in await taken(queue)]
            while len(found) < 2:
                found += [one.parcel for one in await taken(queue)]
            assert found == [parcel(1), parcel(2)]

    async def test_what_is_done_comes_no_more(self, transport: Transport) -> None:
        async with transport.queue("decide") as queue:
            await transport.send(parcel(1))
            await (await only(queue)).done()
            await asyncio.sleep(transport.patience.total_seconds() * 1.2)

            assert await queue.take(10) == ()

    async def test_what_is_silent_is_given_to_another(self, transport: Transport) -> None:
        async with transport.queue("decide") as first, transport.queue("decide") as second:
            await transport.send(parcel(1))
            fallen = await only(first)
            delivery = await only(second)

            assert fallen.parcel is not None
            assert delivery.parcel is not None
            assert (fallen.parcel.attempts, delivery.parcel.attempts) == (0, 1)

    async def test_what_is_worked_on_is_given_to_nobody_else(self, transport: Transport) -> None:
        async with transport.queue("decide") as first, transport.queue("decide") as second:
            await transport.send(parcel(1))
            delivery = await only(first)
            work = asyncio.ensure_future(kept_busy(delivery, patience=transport.patience))
            found = [*await second.take(1), *await second.take(1)]
            work.cancel()

            assert found == []

    async def test_what_shall_come_again_comes_later(self, transport: Transport) -> None:
        loop = asyncio.get_running_loop()
        async with transport.queue("decide") as queue:
            await transport.send(parcel(1))
            await (await only(queue)).again(after=timedelta(seconds=0.5))
            begun = loop.time()
            delivery = await only(queue)

            assert 0.4 < loop.time() - begun < 3
            assert delivery.parcel is not None
            assert delivery.parcel.attempts == 1

    async def test_two_who_stand_in_line_share(self, transport: Transport) -> None:
        async with transport.queue("decide") as first, transport.queue("decide") as second:
            for n in range(4):
                await transport.send(parcel(n))
            found = [*await taken(first, 2), *await taken(second, 2)]
            while len(found) < 4:
                found += [*await first.take(1), *await second.take(1)]

            assert sorted(one.parcel.seq for one in found if one.parcel) == [0, 1, 2, 3]

    async def test_each_function_has_its_own_line(self, transport: Transport) -> None:
        async with transport.queue("converge") as converge, transport.queue("decide") as decide:
            await transport.send(parcel(1, to="decide"))
            await transport.send(parcel(2, to="converge"))

            assert (await only(converge)).parcel == parcel(2, to="converge")
            assert (await only(decide)).parcel == parcel(1)

    async def test_whoever_leaves_gives_back_at_once(self, transport: Transport) -> None:
        async with transport.queue("decide") as queue:
            assert await queue.take(5) == ()
            taking = asyncio.ensure_future(queue.take(5))
            await asyncio.sleep(0.1)
            await transport.send(parcel(1))
            await transport.send(parcel(2))
            first = await taking
            await queue.leave()
        async with transport.queue("decide") as other:
            second = await taken(other)

        assert {one.parcel.seq for one in (*first, *second) if one.parcel} == {1, 2}

    async def test_no_more_are_taken_than_there_is_room_for(self, transport: Transport) -> None:
        async with transport.queue("decide") as queue:
            for n in range(5):
                await transport.send(parcel(n))

            assert len(await taken(queue, 2)) <= 2
