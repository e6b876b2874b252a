"""A whole front desk in one process: doors, intake, a store in memory, and a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from functions.intake.handler import FUNCTION, Intake
from keylease.adapters.cloudevents.door import CloudEventsDoor, Producer
from keylease.adapters.memory.store import MemoryStore
from keylease.adapters.slack.door import SlackDoor
from keylease.adapters.webhook.door import WebhookDoor
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.events import Event, RequestSubmitted
from keylease.domain.trust import Trust
from keylease.function import Function
from keylease.hosts.http import RUNNER, Doors, Receive, make_app
from keylease.hosts.limits import Limits
from keylease.ports.doors import Call
from keylease.ports.store import Store
from keylease.runtime.process import Bound, Commits, Process, Router
from tests.support.doors import BEARER, CLOCK, SLACK_SECRET, WEBHOOK_SECRET
from tests.support.people import CountedIds, People, SetClock, Shelf

SLACK, WEBHOOK, EVENTS = "/hooks/slack/t1", "/hooks/webhook/t1", "/events"
PROOF = StandardWebhooks(secrets=(WEBHOOK_SECRET,))
FILES = Trust(files_for=frozenset({"slack"}))
DOORS = Doors(
    slack={
        "t1": SlackDoor(
            tenant="t1",
            signing_secrets=(SLACK_SECRET,),
            team_id="T0FAKE001",
            enterprise_id="E0FAKE001",
            api_app_id="A0FAKE001",
        )
    },
    webhook={"t1": WebhookDoor(tenant="t1", proof=PROOF, subject="servicenow", trust=FILES)},
    events=CloudEventsDoor(
        producers=(
            Producer(
                tenant="orders",
                sources=frozenset({"https://orders.example.com/"}),
                tokens=(BEARER,),
                proof=PROOF,
            ),
        ),
        origins=frozenset({"bus.example.com"}),
    ),
)
Client = TestClient[Request, Application]


@dataclass
class Desk:
    """What stands behind the app; `submitted` lists the effects."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: SetClock = field(default_factory=lambda: SetClock(at=CLOCK))
    ids: CountedIds = field(default_factory=CountedIds)
    doors: Doors = DOORS
    a_minute: dict[str, int] = field(default_factory=dict)
    """How often one sender may call."""

    @property
    def receive(self) -> Receive:
        """The process's own way in."""
        store: Store = self.store
        takes = Function(name="sink", handler=object, consumes=frozenset({RequestSubmitted}))
        router = Router(functions=(takes,))
        commits = Commits(store=store, clock=self.clock, ids=self.ids, router=router)
        intake = Intake(directory=People(), catalog=Shelf(), store=store, clock=self.clock)
        bound = Bound(function=FUNCTION, handler=intake)
        return Process(commits=commits, functions={"intake": bound}).receive

    async def submitted(self) -> tuple[Event, ...]:
        """Every request that was submitted, once per subject lane."""
        parcels = await self.store.parcels(before=self.clock.now(), limit=10_000)
        return tuple(parcel.outgoing.event for parcel in parcels)

    @asynccontextmanager
    async def client(self, receive: Receive | None = None) -> AsyncIterator[Client]:
        """A client of the app, on loopback."""
        app = make_app(
            receive or self.receive,
            doors=self.doors,
            clock=self.clock,
            ids=self.ids,
            limits=Limits.of(self.clock, **self.a_minute),
        )
        server = TestServer(app, host="127.0.0.1")
        await server.start_server(**RUNNER)
        async with TestClient(server) as client:
            yield client


async def send(client: Client, call: Call, /, *, path: str) -> tuple[int, bytes]:
    """A call over the wire: its exact bytes, each header as often as it has it."""
    async with client.request(
        call.method,
        path,
        data=BytesIO(call.body),
        headers=call.headers,
        skip_auto_headers=("Content-Type",),
    ) as response:
        return response.status, await response.read()
