"""A whole keylease in one coroutine: real handlers and cloud adapter, no sockets, no waiting.

The store and the chat are in memory, the cloud is the emulator's, and time passes only when a
test says so. `boot` starts a process anew over the same store and cloud, as after a crash.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from pydantic import SecretStr

from keylease.adapters.alibaba.accounts import AlibabaAccounts
from keylease.adapters.alibaba.client import AlibabaClient, Limits
from keylease.adapters.alibaba.credentials import CachingCredentials, Key, StaticCredentials
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.memory.chat import MemoryChat, MemoryChats
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.directory import MemoryCatalog, MemoryDirectory
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.adapters.memory.sink import MemorySink
from keylease.adapters.memory.store import MemoryStore
from keylease.domain.access import Entitlement, StandingAccount
from keylease.domain.decision import RuleRef
from keylease.domain.intake import Arrived, Said
from keylease.domain.people import ExternalId, Principal
from keylease.domain.schedule import Schedule
from keylease.domain.secret import Secret
from keylease.domain.telling import Telling
from keylease.emulator.clock import EmulatorClock
from keylease.emulator.cloud import Cloud
from keylease.emulator.server import build_cloud
from keylease.emulator.world import MqAccount, MqRule, RedisAccount, World, default_world
from keylease.policy.evaluate import Policy
from keylease.policy.model import PlacedRule, Rule
from keylease.ports.accounts import Accounts, Login
from keylease.ports.chat import Chats
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog, Directory
from keylease.ports.handover import Gone, Shown, Spent
from keylease.ports.ids import Ids
from keylease.ports.journal import Journal
from keylease.ports.secrets import Secrets
from keylease.ports.store import R, Store
from keylease.runtime.bundle import load_function
from keylease.runtime.filling import Parts, Wrap, unwrapped
from keylease.runtime.process import Bound, Commits, Process, Router
from keylease.runtime.routes import ROUTES
from tests.support.build import NOW, READ, READ_WRITE, REDIS, ROCKETMQ, SUB_ORDERS
from tests.support.inproc_http import InProcessHttp

TICK = timedelta(seconds=1)
TENANT = "T1"


def slack(person: str) -> ExternalId:
    """How Slack knows somebody."""
    return ExternalId(platform="slack", tenant=TENANT, subject=f"U{person.upper()}")


def person(name: str, *groups: str) -> Principal:
    return Principal(id=name, groups=frozenset(groups), addresses=(slack(name),))


PEOPLE = (
    person("ana", "orders"),
    person("bo", "orders", "leads"),
    person("cy", "leads"),
    person("dee"),
)
STANDING = StandingAccount(
    target="rmq-demo", username="svc_orders", owner="bo", rotation=Schedule(every_days=30)
)
STANDING_CACHE = StandingAccount(
    target="cache-demo", username="svc_cache", owner="bo", rotation=Schedule(every_days=7)
)
RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "orders-read",
        "who": {"groups": ["orders"]},
        "may": {
            "target": "rmq-demo",
            "topics": ["*"],
            "groups": ["GID_*"],
            "actions": ["Sub"],
            "accounts": ["svc_*"],
        },
        "terms": {"max_duration": "8h"},
    },
    {
        "name": "orders-write",
        "who": {"groups": ["orders"]},
        "may": {
            "target": "rmq-demo",
            "topics": ["*"],
            "groups": ["GID_*"],
            "actions": ["Pub", "Sub"],
            "accounts": ["svc_*"],
        },
        "terms": {"max_duration": "4h", "approvals": {"from": ["leads"], "count": 1}},
    },
    {
        "name": "cache",
        "who": {"groups": ["orders"]},
        "may": {
            "target": "cache-demo",
            "cache": True,
            "actions": ["read", "write"],
            "accounts": ["svc_*"],
        },
        "terms": {"max_duration": "8h"},
    },
)


def standing_rows() -> tuple[MqRule, ...]:
    """What stood on the service's own account before keylease."""
    return (
        MqRule(
            username="svc_orders",
            resource_type="Topic",
            resource_name="orders",
            decision="Allow",
            actions=("Pub",),
            ip_whitelists=("10.0.0.0/8",),
        ),
        MqRule(
            username="svc_orders",
            resource_type="Group",
            resource_name="GID_payments",
            decision="Allow",
            actions=("Sub",),
        ),
    )


def world_of(**settings: object) -> World:
    """The default world with a service's account on each instance."""
    world = default_world()
    mq, cache = world.rocketmq[0], world.redis[0]
    mq = mq.model_copy(
        update={
            "accounts": (MqAccount(username="svc_orders", password=SecretStr("before-1A")),),
            "rules": standing_rows(),
        }
    )
    service = RedisAccount(
        name="svc_cache", password=SecretStr("before-1A"), privilege="RoleReadOnly"
    )
    return world.model_copy(
        update={
            "rocketmq": (mq,),
            "redis": (cache.model_copy(update={"accounts": (service,)}),),
            "settings": world.settings.model_copy(update=settings),
        }
    )


@dataclass
class Simulation:
    """The world outside the process, and the process of the moment."""

    clock: ManualClock
    store: MemoryStore
    cloud: Cloud
    policy: Policy
    directory: MemoryDirectory
    catalog: MemoryCatalog
    chat: MemoryChat = field(default_factory=MemoryChat)
    sink: MemorySink = field(default_factory=MemorySink)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    ids: SeededIds = field(default_factory=SeededIds)
    wrap: Wrap = unwrapped
    turns: "count[int]" = field(default_factory=count)
    messages: "count[int]" = field(default_factory=count)

    async def boot(self, wrap: Wrap | None = None) -> Process:
        """A process that has just started."""
        parts = Parts(
            makers={kind.__name__: _giver(part) for kind, part in self._ports().items()},
            stack=AsyncExitStack(),
            wrap=wrap or self.wrap,
        )
        commits = Commits(
            store=await parts.get(Store),
            clock=self.clock,
            ids=self.ids,
            router=Router(functions=ROUTES, sinks=("memory",)),
        )
        parts.made[Commits] = parts.made[Journal] = commits
        bound = {}
        for route in ROUTES:
            function = load_function(route.name)
            bound[route.name] = Bound(function, await parts.filled(function.handler))
        return Process(commits=commits, functions=bound, sinks={"memory": self.sink})

    def _ports(self) -> dict[type, object]:
        return {
            Clock: self.clock,
            Ids: self.ids,
            Store: self.store,
            Secrets: self.secrets,
            Policy: self.policy,
            Catalog: self.catalog,
            Directory: self.directory,
            Accounts: self.accounts,
            Chats: MemoryChats(chat=self.chat),
            Telling: Telling(public_url="https://keylease.example.com"),
        }

    @property
    def accounts(self) -> AlibabaAccounts:
        """The real adapter, signing real requests, over a client that never waits."""
        client = AlibabaClient(
            http=InProcessHttp(self.cloud),
            credentials=CachingCredentials(
                source=StaticCredentials(Key(id="testid", secret=Secret("testsecret"))),
                clock=self.clock,
            ),
            clock=self.clock,
            ids=SeededIds(next(self.turns) + 1000),
            endpoints=Endpoints(given={"rocketmq": "http://cloud", "r-kvstore": "http://cloud"}),
            limits=Limits(attempts=1),
        )
        return AlibabaAccounts(client, login=self._login)

    async def _login(self, *, host: str, port: int, username: str, password: Secret) -> Login:
        """Log in to the emulated cache."""
        del host, port
        accounts = self.cloud.live.redis["r-demo0001"].accounts
        known = {a.name: a.password.get_secret_value() for a in accounts if not a.settles_at}
        return Login.ACCEPTED if known.get(username) == password.reveal() else Login.REFUSED

    def arrived(self, who: str, said: Said) -> Arrived:
        """A verified message of somebody's."""
        return Arrived(
            source="slack",
            tenant=TENANT,
            key=f"message-{next(self.messages)}",
            sender=slack(who),
            said=said,
        )

    async def calm(self, process: Process, *, within: timedelta = timedelta(minutes=5)) -> None:
        """Let time pass second by second until nothing is to be delivered any more."""
        end = self.clock.now() + within
        quiet = 0
        while quiet < 3 and self.clock.now() < end:  # a few ticks in a row
            await process.tick()
            worked = 0
            while tried := await process.relay():
                worked += tried
            quiet = 0 if worked else quiet + 1
            self.clock.advance(TICK)

    async def pass_time(self, process: Process, by: timedelta, *, step: timedelta) -> None:
        """Let a longer time pass in steps."""
        end = self.clock.now() + by
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            await process.tick()
            while await process.relay():
                pass

    def links(self, who: str) -> list[str]:
        """Tokens of the claim links that somebody was sent, oldest first."""
        place = str(slack(who))
        found = (h.message.link for h in self.chat.heard if h.place == place)
        return [link.reveal().rpartition("/")[2] for link in found if link]

    def records(self, kind: type[R]) -> list[R]:
        """Every stored record of a kind."""
        rows = (row for row in self.store._rows.values() if row.kind == kind.kind)
        return [kind.model_validate_json(row.body) for row in rows]

    def texts(self) -> list[str]:
        """Everything that is kept or was said in the open, as text."""
        return [
            *(str(row.body) for row in self.store._rows.values()),
            *(event.model_dump_json() for event in self.sink.events),
            *(str(body) for body in self.store._audit),
            *(repr(heard) for heard in self.chat.heard),
        ]

    async def claim(self, process: Process, token: str) -> Shown | Spent | Gone:
        claimed: Shown | Spent | Gone = await process.functions["claim"].handler(Secret(token))  # type: ignore[misc]  # claim answers with these
        return claimed


def _giver(part: object) -> Any:
    async def give(_: Parts) -> object:
        return part

    return give


def simulation(*, seed: int = 0, **settings: object) -> Simulation:
    """A fresh world; `settings` are the emulator's."""
    clock = ManualClock(NOW)
    defaults: dict[str, object] = {"redis_settles_after": timedelta(seconds=3)}
    cloud = build_cloud(
        world_of(**(defaults | settings)), mirror=None, clock=EmulatorClock(clock.now), seed=seed
    )
    return Simulation(
        clock=clock,
        store=MemoryStore(clock.now),
        cloud=cloud,
        policy=policy_of(RULES),
        directory=MemoryDirectory(PEOPLE),
        catalog=MemoryCatalog(
            targets=(ROCKETMQ, REDIS),
            entitlements=(
                Entitlement(id="orders", target="rmq-demo", permissions=(SUB_ORDERS,)),
                Entitlement(id="cache", target="cache-demo", permissions=(READ,)),
                Entitlement(id="cache-write", target="cache-demo", permissions=(READ_WRITE,)),
            ),
            standing=(STANDING, STANDING_CACHE),
        ),
        ids=SeededIds(seed),
        secrets=MemorySecrets(seed),
    )


def policy_of(rules: Iterable[dict[str, Any]], /) -> Policy:
    """A policy from rules as their author writes them."""
    return Policy(
        PlacedRule(
            rule=Rule.model_validate(rule, strict=False),
            ref=RuleRef(name=rule["name"], file="policy.yaml", line=line),
        )
        for line, rule in enumerate(rules, start=1)
    )
