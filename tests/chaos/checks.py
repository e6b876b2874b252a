"""What must be true after a chaos run, asked of the store, the cloud, the receiver and the logs."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from keylease.adapters.system.clock import SystemClock
from keylease.domain.decision import Effect
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.request import Request, RequestStatus
from keylease.emulator.world import MqInstance, RedisInstance
from keylease.ports.store import Store
from tests.chaos.stage import Stage
from tests.chaos.wishes import Wish
from tests.simulation.oracle import Shown, held_by, of_leases
from tests.support.bus import jet_on

SOON = timedelta(minutes=1)
LOOKS_EVERY = 0.3
WAITING = "SELECT count(*) FROM keylease.outbox WHERE parked_at IS NULL"
OPEN = "SELECT body FROM keylease.record WHERE kind = $1 AND is_open = 1"
AUDITED = """
    SELECT subject, body::json ->> 'action' AS action, count(*) AS times FROM keylease.audit
    WHERE body::json ->> 'action' IN (
        'request.submitted', 'request.approved', 'request.denied', 'lease.ended', 'lease.failed'
    )
    GROUP BY 1, 2 HAVING count(*) > 1
"""
STEPS = ("submitted", "review_needed", "approved", "denied", "activated", "ended", "failed")
MADE = ("CreateInstanceAccount", "CreateAccount")
FAULTS_OF_OURS = ("delivery.crashed", "event.parked", "event.buried", "host.failed")


@dataclass(frozen=True, slots=True)
class Left:
    """What still has to be done."""

    parcels: int
    requests: int
    leases: int

    def __bool__(self) -> bool:
        return bool(self.parcels or self.requests or self.leases)


async def rests(stage: Stage, /, *, within: float) -> None:
    """Until nothing is under way and no lease ends soon."""
    left: Left | None = None
    try:
        async with asyncio.timeout(within):
            while left is None or left:
                await asyncio.sleep(LOOKS_EVERY)
                left = await _left(stage)
    except TimeoutError:
        raise AssertionError(f"no rest within {within} s: {left}") from None


async def _left(stage: Stage) -> Left:
    soon = SystemClock().now() + SOON
    connection = await asyncpg.connect(stage.database)
    try:
        requests = await connection.fetch(OPEN, "request")
        leases = [
            Lease.model_validate_json(row[0]) for row in await connection.fetch(OPEN, "lease")
        ]
        return Left(
            parcels=await connection.fetchval(WAITING),
            requests=len(requests),
            leases=sum(lease.needs_work(soon) for lease in leases),
        )
    finally:
        await connection.close()


async def holdings(stage: Stage, /) -> Shown:
    """What the cloud gives to whom now."""
    state = await stage.control("GET", "state")
    (mq,), (cache,) = state["rocketmq"], state["redis"]
    return held_by(MqInstance.model_validate(mq), RedisInstance.model_validate(cache))


@dataclass(frozen=True, slots=True)
class Found:
    """What the store knows of what was asked."""

    requests: Mapping[str, Request]
    leases: Mapping[str, Lease]
    """By the id of their request."""


async def look_up(store: Store, made: Mapping[str, Wish], /) -> Found:
    """Every request that anybody asked for, and its lease."""
    requests, leases = dict[str, Request](), dict[str, Lease]()
    for request_id in made:
        request = await store.load(Request, request_id)
        assert request is not None, f"{request_id} was taken and is lost"
        requests[request_id] = request
        if request.lease_id is not None:
            lease = await store.load(Lease, request.lease_id)
            assert lease is not None, f"{request_id} was approved and has no lease"
            leases[request_id] = lease
    return Found(requests, leases)


def every_request_is_answered(found: Found, made: Mapping[str, Wish], /) -> None:
    """As its wish says, and every lease is over or stands."""
    for request_id, wish in made.items():
        request, lease = found.requests[request_id], found.leases.get(request_id)
        wanted = RequestStatus.APPROVED if wish.is_permitted else RequestStatus.DENIED
        assert request.status is wanted, f"{request_id} {wish}: {request.status}"
        assert (lease is not None) is wish.is_permitted
        assert lease is None or lease.status in {LeaseStatus.ACTIVE, LeaseStatus.ENDED}, lease


def the_cloud_is_the_fold(shown: Shown, found: Found, /, *, before: Shown) -> None:
    """It gives what stood there before and what the live leases say, no more, no less."""
    live = [lease for lease in found.leases.values() if lease.is_open]
    wanted = before.rights | of_leases(live)
    assert shown.rights == wanted, {
        "too much": shown.rights - wanted,
        "missing": wanted - shown.rights,
    }
    names = {lease.account_id.partition("/")[2] for lease in live}
    assert shown.dedicated == {name for name in names if name.startswith("kl")}


async def nothing_was_done_twice(stage: Stage, made: Mapping[str, Wish], /) -> None:
    """One request for each wish, one lease for each request, each account made once."""
    connection = await asyncpg.connect(stage.database)
    try:
        count = "SELECT count(*), count(DISTINCT body::json ->> 'request_id') FROM keylease.record"
        leases, of_requests = await connection.fetchrow(f"{count} WHERE kind = 'lease'")
        requests = await connection.fetchval(
            "SELECT count(*) FROM keylease.record WHERE kind = 'request'"
        )
        twice = await connection.fetch(AUDITED)
    finally:
        await connection.close()
    assert requests == len(made) == len(set(made.values()))
    assert leases == of_requests
    assert [tuple(row) for row in twice] == []
    accounts = Counter(
        entry["username"]
        for entry in await stage.control("GET", "journal")
        if entry["operation"] in MADE and entry["code"] == "OK"
    )
    assert {name: times for name, times in accounts.items() if times > 1} == {}


async def everything_was_delivered(stage: Stage, /) -> None:
    """Nothing waits, and nothing was set aside for a person."""
    connection = await asyncpg.connect(stage.database)
    try:
        outbox = await connection.fetch("SELECT destination, reason FROM keylease.outbox")
    finally:
        await connection.close()
    assert [tuple(row) for row in outbox] == []
    async with jet_on(stage.nats) as jet:
        assert (await jet.js.stream_info(jet.layout.dead)).state.messages == 0


def told_in_order(stage: Stage, found: Found, /) -> None:
    """The receiver heard each step of each request once, in the order in which it was made."""
    told: dict[str, list[str]] = {}
    for event in stage.receiver.events:
        step = event["type"].split(".")[3]
        if step in STEPS:
            told.setdefault(event["subject"], []).append(step)
    for request_id, request in found.requests.items():
        wanted = _path(request, found.leases.get(request_id))
        assert told.get(request_id) == wanted, f"{request_id}: {told.get(request_id)} for {wanted}"
    assert stage.receiver.refused == 0


def _path(request: Request, lease: Lease | None) -> list[str]:
    asked = request.decision is not None and request.decision.effect is Effect.REVIEW
    start = ["submitted", "review_needed"] if asked else ["submitted"]
    if lease is None:
        return [*start, "denied"]
    path = [*start, "approved", *(["activated"] if lease.activated_at else [])]
    return [*path, "ended"] if lease.ended_at else path


def nothing_fell_by_itself(stage: Stage, /) -> None:
    """Programs end when they are killed only, and see no fault of their own."""
    assert [end for program in stage.programs for end in program.fell] == []
    found = [
        f"{name}: {line[:600]}"
        for name, line in stage.log_lines()
        if any(fault in line for fault in FAULTS_OF_OURS)
    ]
    assert found == []
