"""Alarms ring once for somebody, about on time; they are hints."""

import asyncio
from datetime import datetime, timedelta

import pytest

from keylease.adapters.nats.alarms import NatsAlarm, NatsBell
from keylease.adapters.nats.connection import Jet
from keylease.adapters.system.clock import SystemClock
from tests.support.nats_server import NatsServer


@pytest.fixture
async def alarm(jet: Jet) -> NatsAlarm:
    return NatsAlarm(jet)


async def heard(bell: NatsBell) -> datetime:
    async with asyncio.timeout(10):
        while not await bell.rung():
            continue
    return SystemClock().now()


async def test_an_alarm_rings_when_its_time_has_come_and_not_before(alarm: NatsAlarm) -> None:
    at = SystemClock().now() + timedelta(seconds=1.2)
    async with alarm.ringing() as bell:
        await alarm.set(at)

        rung_at = await heard(bell)

    assert at <= rung_at < at + timedelta(seconds=4)


async def test_all_alarms_of_a_second_are_one(alarm: NatsAlarm, jet: Jet) -> None:
    at = SystemClock().now().replace(microsecond=0) + timedelta(minutes=5)
    for n in range(1, 5):
        await alarm.set(at + timedelta(milliseconds=100 * n))
    await NatsAlarm(jet).set(at + timedelta(milliseconds=500))  # of another process
    await NatsAlarm(jet).set(at + timedelta(minutes=1))

    state = (await jet.js.stream_info("KEYLEASE_TIMER")).state
    for _ in range(100):
        if state.messages == 2:
            break
        await asyncio.sleep(0.02)
        state = (await jet.js.stream_info("KEYLEASE_TIMER")).state
    assert (state.messages, state.last_seq) == (2, 3)


async def test_one_ring_wakes_one_worker(alarm: NatsAlarm) -> None:
    async with alarm.ringing() as first, alarm.ringing() as second:
        await alarm.set(SystemClock().now())
        rung = [await asyncio.gather(first.rung(), second.rung()) for _ in range(2)]

    assert sum(map(sum, rung)) == 1


async def test_an_alarm_without_a_server_is_forgotten(alarm: NatsAlarm, server: NatsServer) -> None:
    await server.kill()
    await asyncio.sleep(0.2)

    await alarm.set(SystemClock().now())

    assert not alarm.waiting
