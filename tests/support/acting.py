"""People at work in a simulation: ask, review, release, and see what came of it."""

from datetime import timedelta

from keylease.domain.intake import Ask, GiveReview, Release
from keylease.domain.lease import Lease
from keylease.domain.request import Request, Verdict
from keylease.runtime.process import Process
from tests.support.simulation import Simulation

HOUR = timedelta(hours=1)


async def ask(world: Simulation, process: Process, who: str = "ana", **fields: object) -> Request:
    """A request, as it stands after a while."""
    said = Ask.model_validate({"duration": HOUR, "reason": "INC-1", **fields})
    reply = await process.receive(world.arrived(who, said))
    await world.calm(process)
    assert reply.request_id is not None, reply.text
    return await request_of(world, reply.request_id)


async def review(
    world: Simulation, process: Process, who: str, request: Request, verdict: Verdict
) -> Request:
    """The request after somebody pressed a button on the message that showed it."""
    said = GiveReview(request_id=request.id, verdict=verdict, digest=request.digest)
    await process.receive(world.arrived(who, said))
    await world.calm(process)
    return await request_of(world, request.id)


async def release(world: Simulation, process: Process, who: str, request: Request) -> Request:
    await process.receive(world.arrived(who, Release(request_id=request.id)))
    await world.calm(process)
    return await request_of(world, request.id)


async def request_of(world: Simulation, id_: str) -> Request:
    request = await world.store.load(Request, id_)
    assert request is not None
    return request


async def lease_of(world: Simulation, request: Request) -> Lease:
    lease = await world.store.load(Lease, request.lease_id or "")
    assert lease is not None
    return lease


def types(world: Simulation) -> list[str]:
    """Event types that sinks got, in short."""
    return [event.type.split(".", 2)[2].removesuffix(".v1") for event in world.sink.events]


def said_to(world: Simulation, who: str) -> str:
    """Everything that somebody was told directly, fields included."""
    heard = [one.message for one in world.chat.heard if one.place.endswith(f":U{who.upper()}")]
    return "\n".join(f"{m.text} {' '.join(' '.join(pair) for pair in m.fields)}" for m in heard)
