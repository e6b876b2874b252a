"""Entrance and workers on a real bus: the main job, and what the bus loses, doubles or mixes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

import aiohttp
import pytest
from nats.js.errors import NotFoundError
from structlog.testing import capture_logs

from keylease.adapters.nats import layout, transport
from keylease.cli.demo_stage import staged
from keylease.domain.events import Event
from keylease.errors import Conflict, Misconfigured, ProviderBusy, ProviderRefused
from keylease.hosts.intake import taking_in
from keylease.hosts.worker import working
from keylease.runtime import sending
from tests.e2e.playing import ANA, OfficialSlack, Play
from tests.support.build import NOW
from tests.support.bus import WIRE, jet_on, section, settings_on, transport_on
from tests.support.nats_server import NatsServer, nats_server
from tests.support.workers import Shop, shop

LATER = NOW.replace(year=2100)


@pytest.fixture
async def server() -> AsyncIterator[NatsServer]:
    async with nats_server() as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent workers are noticed within seconds."""
    for module in (layout, transport):
        monkeypatch.setattr(module, "ACK_WAIT", timedelta(seconds=2))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bus has lost is sent again within seconds."""
    monkeypatch.setattr(sending, "RESEND", timedelta(seconds=1.5))
    monkeypatch.setattr(layout, "KNOWN", timedelta(seconds=1))


@asynccontextmanager
async def split(
    *, workers: int = 2, sweep_every: timedelta = timedelta(seconds=5)
) -> AsyncIterator[tuple[Play, NatsServer]]:
    """One entrance, some workers, one store, one bus."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged())
        server = await stack.enter_async_context(nats_server())
        settings = settings_on(stage, server, sweep_every=sweep_every)
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
        granted = play.accounts()
        await play.slack.types(ANA, f"release {request_id}")
        await play.told(ANA, request_id, "ended")

        assert len(granted) == 1
        assert play.accounts() == set()


async def test_the_end_of_a_lease_comes_by_an_alarm_when_the_timer_is_slow() -> None:
    async with split(sweep_every=timedelta(hours=1)) as (play, _):
        request_id = await play.asks("orders-consumer for 5s because INC-1")
        await play.told(ANA, request_id, "is active")

        await play.told(ANA, request_id, "ended")
        assert play.accounts() == set()


async def test_a_lease_goes_on_after_the_bus_has_forgotten_everything() -> None:
    async with split() as (play, server):
        async with AsyncExitStack() as stack:
            jet = await stack.enter_async_context(jet_on(server))
            for name in ("KEYLEASE", "KEYLEASE_DEAD", "KEYLEASE_TIMER"):
                await jet.js.delete_stream(name)
        request_id = await play.asks("orders-consumer for 5m because INC-1")

        await play.told(ANA, request_id, "is active")
        assert len(play.accounts()) == 1


async def test_a_lease_goes_on_after_the_death_of_the_bus() -> None:
    async with split() as (play, server):
        await server.kill()
        request_id = await play.asks("orders-consumer for 5m because INC-1")
        await asyncio.sleep(0.5)
        await server.start()

        await play.told(ANA, request_id, "is active")
        assert len(play.accounts()) == 1


async def test_each_event_takes_effect_once(server: NatsServer) -> None:
    async with shop(server) as here, here.worker(), here.worker():
        await here.say("req-1", "req-2", "req-3")
        await here.rests()

        assert sorted(await here.done()) == ["req-1", "req-2", "req-3"]


async def test_events_about_one_request_are_worked_on_in_order_one_at_a_time(
    server: NatsServer,
) -> None:
    under_way, most = Counter[str](), Counter[str]()
    seen = list[str]()

    async def slowly(event: Event) -> None:
        under_way[event.subject] += 1
        most[event.subject] = max(most[event.subject], under_way[event.subject])
        await asyncio.sleep(0.02)
        seen.append(event.id)
        under_way[event.subject] -= 1

    async with shop(server, slowly) as here, here.worker(), here.worker():
        await here.say(*["req-1", "req-2"] * 5)
        await here.rests()

    of_first = [f"evt-{n}" for n in range(1, 11, 2)]
    assert most == {"req-1": 1, "req-2": 1}
    assert [one for one in seen if one in of_first] == sorted(
        (one for one in seen if one in of_first), key=seen.index
    )
    assert len(seen) == 10


@pytest.mark.parametrize(
    "failure",
    [Conflict("somebody else"), ProviderBusy("cloud", "Throttling"), RuntimeError("ours")],
)
async def test_what_fails_for_now_is_tried_again(server: NatsServer, failure: Exception) -> None:
    tries = list[str]()

    async def fails_first(event: Event) -> None:
        tries.append(event.id)
        if len(tries) <= (8 if isinstance(failure, Conflict) else 1):  # races are run at once
            raise failure

    async with shop(server, fails_first) as here, here.worker():
        await here.say("req-1")
        await here.rests()

        assert await here.done() == ["req-1"]
        assert await here.dead.listed(limit=10) == ()


async def test_what_can_never_work_is_buried_and_its_lane_goes_on(server: NatsServer) -> None:
    async def refuses_first(_: Event) -> None:
        if len(here.seen) == 1:
            raise ProviderRefused("cloud", "Never")

    async with shop(server, refuses_first) as here:
        with capture_logs() as logs:
            async with here.worker():
                await here.say("req-1", "req-1")
                await here.rests()
        (dead,) = await here.dead.listed(limit=10)

        assert await here.done() == ["req-1"]
        assert (dead.function, dead.reason) == ("decide", "cloud: Never")
        assert [one["log_level"] for one in logs if one["event"] == "event.buried"] == ["error"]


async def test_a_buried_event_that_is_sent_again_takes_effect(server: NatsServer) -> None:
    async def refuses_first(_: Event) -> None:
        if len(here.seen) == 1:
            raise ProviderRefused("cloud", "Never")

    async with shop(server, refuses_first) as here, here.worker():
        await here.say("req-1")
        await here.rests()
        (dead,) = await here.dead.listed(limit=10)

        await here.dead.replay(dead)

        async def is_done() -> bool:
            return await here.done() == ["req-1"]

        await here.until(is_done)
        assert await here.dead.listed(limit=10) == ()


async def test_what_somebody_else_put_on_the_bus_is_buried_and_never_run(
    server: NatsServer,
) -> None:
    async with shop(server) as here, here.worker():
        await here.jet.js.publish("keylease.do.decide.req-1", b"{}")

        async def is_buried() -> bool:
            return bool(await here.dead.listed(limit=1))

        await here.until(is_buried)

    assert here.seen == []


@pytest.mark.usefixtures("soon")
async def test_a_message_that_comes_twice_takes_effect_once(server: NatsServer) -> None:
    async with shop(server) as here:
        await here.say("req-1")
        (parcel,) = await here.store.parcels(before=LATER, limit=1)
        bus = transport_on(here.jet)
        await bus.send(parcel)
        await asyncio.sleep(1.2)  # by then the server does not know it any more
        await bus.send(parcel)
        async with here.worker():

            async def is_seen_twice() -> bool:
                return len(here.seen) == 2

            await here.until(is_seen_twice)
            await here.rests()

        assert await here.done() == ["req-1"]


@pytest.mark.usefixtures("soon")
async def test_what_the_bus_has_lost_is_sent_again(server: NatsServer) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def waits(_: Event) -> None:
        begun.set()
        await go.wait()

    async with shop(server, waits, places=1) as here, here.worker():
        await here.say("req-1", "req-2")
        await begun.wait()
        await here.until(both_on(here))
        await here.jet.js.purge_stream("KEYLEASE")  # one is in hand, one waits there
        go.set()
        await here.rests()

        assert sorted(await here.done()) == ["req-1", "req-2"]


def both_on(here: Shop) -> Callable[[], Awaitable[bool]]:
    async def are_on_the_bus() -> bool:
        return (await here.jet.js.stream_info("KEYLEASE")).state.messages == 2

    return are_on_the_bus


@pytest.mark.usefixtures("impatient")
async def test_who_works_longer_than_the_bus_is_patient_is_not_disturbed(
    server: NatsServer,
) -> None:
    async def slowly(_: Event) -> None:
        await asyncio.sleep(5)

    async with shop(server, slowly) as here, here.worker(), here.worker():
        await here.say("req-1")
        await here.rests()

        assert here.seen == ["req-1"]


async def test_a_stop_lets_the_work_in_hand_end(server: NatsServer) -> None:
    begun = asyncio.Event()

    async def slowly(_: Event) -> None:
        begun.set()
        await asyncio.sleep(1)

    async with shop(server, slowly, places=1) as here:
        async with here.worker():
            await here.say("req-1", "req-2")
            await begun.wait()

        assert (await here.done())[:1] == ["req-1"]


@pytest.mark.usefixtures("impatient")
async def test_who_finishes_while_it_stops_is_not_disturbed(server: NatsServer) -> None:
    begun = asyncio.Event()

    async def slowly(_: Event) -> None:
        begun.set()
        await asyncio.sleep(5)  # longer than the bus is patient

    async with shop(server, slowly) as here, here.worker():
        async with here.worker(drain=10) as first:
            await here.say("req-1")
            await begun.wait()
            first.loops.stop()
            await asyncio.sleep(0)

        await here.rests()
        assert here.seen == ["req-1"]


async def test_whoever_stops_gets_nothing_more(server: NatsServer) -> None:
    async with shop(server) as here, here.worker(drain=10) as first:
        await asyncio.sleep(0.2)  # its request stands at the server
        first.loops.stop()
        await asyncio.sleep(0.1)
        begun = asyncio.get_running_loop().time()
        async with here.worker():
            await here.say(*(f"req-{n}" for n in range(20)))
            await here.rests()

        assert asyncio.get_running_loop().time() - begun < 5
        assert sorted(await here.done()) == sorted(f"req-{n}" for n in range(20))


async def test_copies_in_any_order_take_effect_once_each(server: NatsServer) -> None:
    async with shop(server) as here:
        await here.say(*(f"req-{n}" for n in range(20)))
        parcels = await here.store.parcels(before=LATER, limit=100)
        for copy in range(3):
            for parcel in sorted(parcels, key=lambda one: (one.seq * 7919 + copy) % 31):
                body, headers = WIRE.written(parcel)
                headers["Nats-Msg-Id"] += f" {copy}"
                subject = here.jet.layout.work_subject("decide", parcel.outgoing.event.subject)
                await here.jet.js.publish(subject, body, headers=headers)
        async with here.worker(), here.worker():
            await here.rests()

        assert len(parcels) == 20
        assert Counter(await here.done()) == {f"req-{n}": 1 for n in range(20)}
        assert await here.dead.listed(limit=1) == ()


@pytest.mark.usefixtures("soon")
async def test_work_goes_on_while_streams_and_consumers_are_deleted(server: NatsServer) -> None:
    async def slowly(_: Event) -> None:
        await asyncio.sleep(0.2)

    async with shop(server, slowly) as here, here.worker(), here.worker():
        for turn in range(3):
            await here.say(*(f"req-{turn}-{n}" for n in range(10)))
            await asyncio.sleep(0.1)
            with suppress(NotFoundError):
                await here.jet.js.delete_consumer("KEYLEASE", "decide")
            await here.say(*(f"req-{turn}-{n}" for n in range(10, 20)))
            await asyncio.sleep(0.1)
            with suppress(NotFoundError):
                await here.jet.js.delete_stream("KEYLEASE")
        await here.rests()

        assert set(Counter(await here.done()).values()) == {1}
        assert len(await here.done()) == 60


async def test_a_bus_that_is_not_as_it_must_be_is_said_and_waited_for(server: NatsServer) -> None:
    async with shop(server) as here, here.worker():
        consumer = here.jet.layout.consumer("decide")
        with capture_logs() as logs:
            await here.jet.js.delete_consumer("KEYLEASE", "decide")
            await here.jet.js.add_consumer(
                "KEYLEASE", consumer.evolve(durable_name="theirs", name="theirs")
            )

            async def is_said() -> bool:
                return any(one["event"] == "bus.refused" for one in logs)

            await here.until(is_said)
        await here.jet.js.delete_consumer("KEYLEASE", "theirs")
        await here.say("req-1")
        await here.rests()

        assert await here.done() == ["req-1"]
        assert {one["event"] for one in logs if one["log_level"] == "error"} == {"bus.refused"}


async def test_what_a_stop_cuts_short_is_given_to_another_worker_at_once(
    server: NatsServer,
) -> None:
    begun = asyncio.Event()

    async def stuck_first(_: Event) -> None:
        begun.set()
        if len(here.seen) == 1:
            await asyncio.Event().wait()

    async with shop(server, stuck_first) as here:
        async with here.worker(drain=0.1):
            await here.say("req-1")
            await begun.wait()
        async with here.worker(), asyncio.timeout(10):  # the bus is patient for 30 seconds
            await here.rests()

        assert await here.done() == ["req-1"]
        assert here.seen == ["req-1", "req-1"]


async def test_a_worker_without_a_bus_does_not_start() -> None:
    async with staged() as stage:
        with pytest.raises(Misconfigured, match="nats: is not set"):
            async with working(stage.settings()):
                pass


async def test_a_worker_runs_no_function_that_only_an_entrance_runs(server: NatsServer) -> None:
    async with staged() as stage:
        with pytest.raises(Misconfigured, match="no worker runs intake; choose of converge, dec"):
            async with working(settings_on(stage, server), functions=("intake", "decide")):
                pass


async def test_two_ways_in_are_refused(server: NatsServer) -> None:
    with pytest.raises(ValueError, match="one of them"):
        section(server, user="ana", token={"env": "T"})
