"""CPU of one whole brokered lease against the official SDK making the same API calls."""

import itertools
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from alibabacloud_rocketmq20220801 import models
from alibabacloud_rocketmq20220801.client import Client
from alibabacloud_tea_openapi.models import Config

from keylease.domain.intake import Arrived, Ask
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.people import ExternalId
from keylease.domain.request import Request
from keylease.ports.http import Http, HttpRequest, HttpResponse
from keylease.runtime.logging import configure_logging
from keylease.runtime.process import Process
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import Keylease, running
from tests.benchmarks.cold_start import prepared
from tests.benchmarks.measure import Arm, interleaved
from tests.benchmarks.programs import started
from tests.benchmarks.report import Report, at_most

INSTANCE = "rmq-cn-demo0001"
PASSWORD = "aA1-benchmark-password"  # of an emulated account
EMULATOR = ("-c", "from keylease.cli.main import main; main()", "emulator", "--port", "0")
FUNCTIONS = frozenset({"intake", "decide", "converge"})
METHOD = """\
A verified message is received, decided by a policy, and converge makes a RocketMQ account with \
two ACL rows and reads it back until the lease is active: one process with its SQLite store, \
sealing, audit, outbox and logs (to /dev/null), against the emulator in another process. The SDK \
makes only the API calls that this made, in the same order, and keeps nothing. CPU is \
`time.process_time` of the process, all threads."""


@dataclass(frozen=True, slots=True)
class Size:
    leases: int = 10
    rounds: int = 9


SMOKE = Size(leases=1, rounds=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """Passes on what is sent, and keeps the names of the operations."""

    inner: Http
    actions: list[str]

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        self.actions.append(request.headers["x-acs-action"])
        return await self.inner.send(request)


@dataclass(frozen=True, slots=True)
class Broker:
    """Ours: one message in, one active lease out."""

    keylease: Keylease
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def process(self) -> Process:
        return self.keylease.process

    async def lease(self) -> Lease:
        ask = Ask(entitlement="orders-consumer", duration=timedelta(minutes=5), reason="benchmark")
        sender = ExternalId(platform="slack", tenant="T0DEMO", subject="U0ANA0001")
        key = f"message-{next(self.numbers)}"
        arrived = Arrived(source="slack", tenant="demo", key=key, sender=sender, said=ask)
        reply = await self.process.receive(arrived)
        await self._deliver("function:decide")
        await self._deliver("function:converge")
        assert reply.request_id is not None
        return await self._lease_of(reply.request_id)

    async def _deliver(self, destination: str) -> None:
        store, now = self.keylease.store, self.keylease.clock.now()
        for parcel in await store.parcels(before=now, limit=8):
            if parcel.outgoing.destination == destination:
                await self.process.deliver(parcel)

    async def _lease_of(self, request_id: str) -> Lease:
        request = await self.keylease.store.load(Request, request_id)
        assert request is not None
        assert request.lease_id is not None
        lease = await self.keylease.store.load(Lease, request.lease_id)
        assert lease is not None
        assert lease.status is LeaseStatus.ACTIVE, lease
        return lease

    async def forget(self) -> None:
        """Drop what notify would have been told: it is no part of this."""
        store, now = self.keylease.store, self.keylease.clock.now()
        for parcel in await store.parcels(before=now, limit=1_000):
            await store.delivered(parcel)


@dataclass(frozen=True, slots=True)
class Official:
    """The SDK's side: one operation after the other."""

    client: Client
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def make(self, actions: list[str], /) -> str:
        """The same calls; returns the account's name."""
        username = f"klbench{next(self.numbers):07}"
        rows = iter((("Topic", "orders"), ("Group", "GID_orders")))
        for action in actions:
            if action == "CreateInstanceAcl":
                await self._create_row(username, *next(rows))
            else:
                await getattr(self, _method(action))(username)
        return username

    async def _list_instance_account(self, username: str) -> None:
        request = models.ListInstanceAccountRequest(username=username, page_number=1, page_size=100)
        await self.client.list_instance_account_async(INSTANCE, request)

    async def _list_instance_acl(self, _: str) -> None:
        request = models.ListInstanceAclRequest(page_number=1, page_size=100)
        await self.client.list_instance_acl_async(INSTANCE, request)

    async def _get_topic(self, _: str) -> None:
        await self.client.get_topic_async(INSTANCE, "orders")

    async def _get_consumer_group(self, _: str) -> None:
        await self.client.get_consumer_group_async(INSTANCE, "GID_orders")

    async def _create_instance_account(self, username: str) -> None:
        request = models.CreateInstanceAccountRequest(username=username, password=PASSWORD)
        await self.client.create_instance_account_async(INSTANCE, request)

    async def _create_row(self, username: str, kind: str, name: str) -> None:
        request = models.CreateInstanceAclRequest(
            resource_type=kind,
            resource_name=name,
            decision="Allow",
            actions=["Sub"],
            ip_whitelists=[],
        )
        await self.client.create_instance_acl_async(INSTANCE, username, request)

    async def rows(self, username: str, /) -> set[tuple[str, ...]]:
        """What an account may do, as the service shows it."""
        request = models.ListInstanceAclRequest(page_number=1, page_size=100)
        answer = await self.client.list_instance_acl_async(INSTANCE, request)
        return {
            (row.resource_type, row.resource_name, *row.actions)
            for row in answer.body.data.list
            if row.username == username
        }

    async def remove(self, username: str, /) -> None:
        for kind, name, *_ in await self.rows(username):
            gone = models.DeleteInstanceAclRequest(resource_type=kind, resource_name=name)
            await self.client.delete_instance_acl_async(INSTANCE, username, gone)
        await self.client.delete_instance_account_async(INSTANCE, username)


def _method(action: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in action)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, and the calls that ours made for its latest lease."""

    broker: Broker
    official: Official
    actions: list[str]

    async def ours(self) -> str:
        self.actions.clear()
        lease = await self.broker.lease()
        return lease.account_id.partition("/")[2]

    async def theirs(self) -> str:
        return await self.official.make(self.actions)

    def timed(self, one: Callable[[], Awaitable[str]], /, *, leases: int) -> Arm:
        async def arm() -> float:
            spent = 0.0
            for _ in range(leases):
                begun = time.process_time()
                username = await one()
                spent += time.process_time() - begun
                await self.official.remove(username)
                await self.broker.forget()
            return spent / leases

        return arm


def nowhere() -> TextIO:
    return Path(os.devnull).open("w")


@asynccontextmanager
async def sides() -> AsyncIterator[Sides]:
    """An emulator in another process, and both clients of it in this one."""
    async with AsyncExitStack() as stack:
        configure_logging(stream=stack.enter_context(nowhere()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (url,) = await stack.enter_async_context(started(*EMULATOR))
        variables = {
            "BENCH_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "BENCH_SECRET": "testsecret",
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps({"rocketmq": url, "r-kvstore": url}),
        }
        actions: list[str] = []
        keylease = await stack.enter_async_context(
            running(
                read_settings(prepared(folder), variables=variables),
                functions=FUNCTIONS,
                wrap=lambda kind, part: Heard(part, actions) if kind is Http else part,
                variables=variables,
            )
        )
        config = Config(
            access_key_id="testid",
            access_key_secret="testsecret",
            endpoint=url.removeprefix("http://"),
            protocol="http",
        )
        yield Sides(broker=Broker(keylease), official=Official(Client(config)), actions=actions)


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with sides() as both:
        ours = both.timed(both.ours, leases=size.leases)
        await ours()
        theirs = both.timed(both.theirs, leases=size.leases)
        samples = await interleaved({"ours": ours, "sdk": theirs}, rounds=size.rounds)
        what = f"one lease, {len(both.actions)} API calls"
    row = at_most(samples, arm="ours", to="sdk", limit=1.0, what=what, unit="ms", scale=1e3)
    return Report("lease", "CPU of one brokered lease", METHOD, (row,))
