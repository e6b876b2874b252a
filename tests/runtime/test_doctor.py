"""Doctor: what is wrong is found and named with a next step; what is right is left in peace."""

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keylease.adapters.memory.accounts import MemoryCloud
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.directory import MemoryCatalog
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.adapters.memory.store import MemoryStore
from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.access import Target
from keylease.domain.account import Account
from keylease.domain.events import Event, RequestCancelled
from keylease.domain.lease import EndReason, LeaseStatus
from keylease.domain.record import Record
from keylease.domain.secret import Secret
from keylease.errors import ProviderTransient
from keylease.ports.accounts import Accounts, Health
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.http import Http, HttpNotSent, HttpRequest, HttpResponse
from keylease.ports.secrets import Secrets
from keylease.ports.store import Batch, Outgoing, Store
from keylease.runtime.doctor import Finding, Level, examine
from keylease.runtime.doctor_accounts import compared, orphans, unopenable
from keylease.runtime.doctor_leases import LATE, late_leases, parked, stuck_leases
from keylease.runtime.filling import Parts
from keylease.runtime.references import Sourced
from keylease.runtime.sections import FromChain
from keylease.runtime.settings import Settings, read_settings
from tests.support.build import (
    HOUR,
    NOW,
    PUB_ORDERS,
    REDIS,
    ROCKETMQ,
    SUB_ORDERS,
    account,
    credential,
    lease,
    standing,
)
from tests.support.bus import jet_on, section
from tests.support.nats_server import nats_server

PASSWORD = Secret("Passw0rd-of-a-test")
OURS = "klabcdefghjkmn"


@dataclass(slots=True)
class Said:
    """An Http that always says the same."""

    headers: dict[str, str] = field(default_factory=dict)
    is_down: bool = False
    slack: str = '{"ok": true, "team_id": "T0DEMO"}'
    scopes: str = "commands,chat:write"

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        if self.is_down:
            raise HttpNotSent("nobody there")
        if request.url == "https://slack.com/api/auth.test":
            scopes = {"x-oauth-scopes": self.scopes}
            return HttpResponse(status=200, headers=scopes, body=self.slack.encode())
        return HttpResponse(status=403, headers=self.headers)


@dataclass(slots=True)
class World:
    """A store and a cloud to look at."""

    store: MemoryStore = field(default_factory=MemoryStore)
    cloud: MemoryCloud = field(default_factory=lambda: MemoryCloud(ManualClock(NOW)))
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    http: Said = field(default_factory=Said)
    targets: tuple[Target, ...] = (ROCKETMQ,)

    @property
    def parts(self) -> Parts:
        made: dict[type, Any] = {
            Store: self.store,
            Accounts: self.cloud,
            Clock: self.clock,
            Secrets: self.secrets,
            Http: self.http,
            Catalog: MemoryCatalog(targets=self.targets),
        }
        return Parts(makers={}, stack=AsyncExitStack(), made=made)

    async def keeps(self, *records: Record) -> None:
        await self.store.commit(Batch(records=records))


async def test_a_lease_that_outlives_its_end_is_found() -> None:
    world = World()
    await world.keeps(lease("lease-1"), lease("lease-2", not_after=NOW + 2 * HOUR))
    world.clock.advance(HOUR + LATE + timedelta(seconds=1))

    said = await late_leases(world.store, now=world.clock.now())

    assert said == (
        "lease-1 should have ended at 2026-01-01 01:00:00 UTC and is pending",
        "is `keylease serve` running?",
    )


async def test_a_lease_that_is_just_over_is_left_in_peace() -> None:
    world = World()
    await world.keeps(lease("lease-1"))
    world.clock.advance(HOUR + LATE)

    assert await late_leases(world.store, now=world.clock.now()) == ()


async def test_a_stuck_lease_is_found_with_its_problem() -> None:
    world = World()
    stuck = lease("lease-1").end(EndReason.EXPIRED, now=NOW)
    stuck = stuck.troubled("rocketmq: down", now=NOW + HOUR, retry_at=NOW + 2 * HOUR)
    await world.keeps(stuck)

    said = await stuck_leases(world.store, now=NOW + HOUR)

    assert said[0] == "lease-1: rocketmq: down (1 attempts)"


async def test_a_long_list_is_cut() -> None:
    world = World()
    await world.keeps(*(lease(f"lease-{n}") for n in range(15)))

    said = await late_leases(world.store, now=NOW + 2 * HOUR)

    assert len(said) == 12
    assert said[10] == "and 5 more"


async def test_a_parked_event_is_found() -> None:
    world = World()
    event = Event.of(RequestCancelled(request_id="req-1"), id="e1", time=NOW)
    await world.store.commit(Batch(outgoing=(Outgoing(event, "sink:audit"),)))
    (parcel,) = await world.store.parcels(before=NOW, limit=9)
    await world.store.park(parcel, reason="http_410", at=NOW)

    said = await parked(world.store)

    assert said[0] == "io.keylease.request.cancelled.v1 for sink:audit: http_410"
    assert "keylease parked retry --all" in said[1]


async def test_an_account_of_ours_without_a_record_is_found() -> None:
    world = World()
    for username in (OURS, "svc_orders", "klein"):
        world.cloud.seed(ROCKETMQ, username=username, password=PASSWORD)

    said = await orphans(ROCKETMQ, world.parts)

    assert len(said) == 2
    assert OURS in said[0]


async def test_an_account_with_an_open_record_is_no_orphan() -> None:
    world = World()
    world.cloud.seed(ROCKETMQ, username=OURS, password=PASSWORD)
    await world.keeps(account(username=OURS))

    assert await orphans(ROCKETMQ, world.parts) == ()


async def test_an_account_whose_record_is_closed_is_an_orphan() -> None:
    world = World()
    world.cloud.seed(ROCKETMQ, username=OURS, password=PASSWORD)
    await world.keeps(account(username=OURS, removed_at=NOW))

    assert len(await orphans(ROCKETMQ, world.parts)) == 2


def at_rest(**fields: Any) -> Account:
    return account(lock=None, made=True, **fields)


async def test_an_account_that_holds_its_lease_is_in_order() -> None:
    world = World()
    world.cloud.seed(ROCKETMQ, username="kl1", password=PASSWORD, rows=(SUB_ORDERS,))
    await world.keeps(at_rest(), lease(status=LeaseStatus.ACTIVE))

    assert await compared(ROCKETMQ, world.parts) == ()


async def test_an_account_that_holds_too_much_is_found() -> None:
    world = World()
    rows = (SUB_ORDERS.evolve(actions=SUB_ORDERS.actions | PUB_ORDERS.actions),)
    world.cloud.seed(ROCKETMQ, username="kl1", password=PASSWORD, rows=rows)
    await world.keeps(at_rest(), lease(status=LeaseStatus.ACTIVE))

    said = await compared(ROCKETMQ, world.parts)

    assert said == ("kl1: converge would put Sub on topic orders",)


async def test_a_live_lease_without_its_access_is_found() -> None:
    world = World()
    await world.keeps(at_rest(), lease(status=LeaseStatus.ACTIVE))

    said = await compared(ROCKETMQ, world.parts)

    assert said[0] == "kl1: converge would create account kl1"


async def test_access_without_a_live_lease_is_found() -> None:
    world = World()
    world.cloud.seed(ROCKETMQ, username="kl1", password=PASSWORD, rows=(SUB_ORDERS,))
    await world.keeps(at_rest())

    said = await compared(ROCKETMQ, world.parts)

    assert said[0] == "kl1: converge would disable account kl1"


async def test_an_account_that_is_being_worked_on_is_left_in_peace() -> None:
    world = World()
    await world.keeps(account(), lease(status=LeaseStatus.ACTIVE))
    await world.keeps(at_rest(username="kl2"), lease("lease-2", username="kl2"))

    assert await compared(ROCKETMQ, world.parts) == ()


async def test_what_stood_on_a_standing_account_is_nobodys_business() -> None:
    world = World()
    world.cloud.seed(ROCKETMQ, username="svc", password=PASSWORD, rows=(PUB_ORDERS,))
    await world.keeps(standing(username="svc", lock=None))

    assert await compared(ROCKETMQ, world.parts) == ()


async def test_a_secret_whose_key_is_gone_is_found() -> None:
    world = World()
    gone = MemorySecrets(key_ids=("old",)).seal(PASSWORD, context="rmq-demo/kl1#1")
    kept = world.secrets.seal(PASSWORD, context="rmq-demo/kl1#2")
    changed = world.secrets.seal(PASSWORD, context="another")
    await world.keeps(
        at_rest(),
        credential(1, sealed=gone),
        credential(2, sealed=kept),
        credential(3, sealed=changed),
        credential(4, sealed=None),
    )

    said = await unopenable(ROCKETMQ, world.parts)

    assert sorted(said) == [
        "rmq-demo/kl1#1 was sealed with key 'old'; put it back among the keys",
        "the sealed secret of rmq-demo/kl1#3 was changed or belongs to something else",
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_files(tmp_path)
    variables = made_secrets() | {"KEYLEASE_SINKS__EVENTS__URL": "http://127.0.0.1:9/events"}
    return read_settings(tmp_path / "keylease.yaml", variables=variables)


async def findings(world: World, settings: Settings) -> dict[str, Finding]:
    return {one.check: one async for one in examine(settings, parts=world.parts)}


async def test_a_sound_system_has_no_problem(settings: Settings) -> None:
    world = World(http=Said({"date": "Thu, 01 Jan 2026 00:00:03 GMT"}), targets=(ROCKETMQ, REDIS))

    found = await findings(world, settings)

    assert {one.level for one in found.values()} == {Level.OK}
    assert found["rmq-demo: clock"].message == "3 s off the cloud's"
    assert len(found) == 16


async def test_it_tells_which_sealing_keys_are_still_needed(settings: Settings) -> None:
    world = World(http=Said({"date": "Thu, 01 Jan 2026 00:00:03 GMT"}))
    await world.keeps(
        at_rest(),
        *(
            credential(number, sealed=MemorySecrets(key_ids=(key_id,)).seal(PASSWORD, context="x"))
            for number, key_id in enumerate(("demo", "old", "old"), start=1)
        ),
    )
    assert settings.sealing is not None
    keys = {**settings.sealing.keys, "old": Sourced("x"), "oldest": Sourced("x")}
    sealing = settings.sealing.model_copy(update={"keys": keys})

    found = await findings(world, settings.model_copy(update={"sealing": sealing}))

    assert found["sealing keys"].message == (
        "demo seals what is new, and 1 so far; old still opens 2: keep it; "
        "oldest opens nothing any more: take it out"
    )


DATES = [
    ("Thu, 01 Jan 2026 00:05:01 GMT", Level.PROBLEM),
    ("Wed, 31 Dec 2025 23:54:59 GMT", Level.PROBLEM),
    ("Thu, 01 Jan 2026 00:04:59 GMT", Level.OK),
    ("yesterday", Level.WARNING),
    ("", Level.WARNING),
]


@pytest.mark.parametrize(("date", "level"), DATES)
async def test_a_clock_that_is_off_is_a_problem(
    settings: Settings, date: str, level: Level
) -> None:
    found = await findings(World(http=Said({"date": date})), settings)

    assert found["rmq-demo: clock"].level is level


async def test_a_cloud_that_nobody_reaches_is_a_problem(settings: Settings) -> None:
    found = await findings(World(http=Said(is_down=True)), settings)

    assert found["rmq-demo: clock"].message == "nobody there; check network and endpoint"


@dataclass(slots=True)
class Keyless(MemoryCloud):
    """A cloud for which nobody has a key."""

    async def health(self, target: Target, /) -> Health:
        del target
        raise ProviderTransient("alibaba credentials", "EcsMetadata.Refused")


async def test_a_missing_key_is_told_by_the_variables_to_set(settings: Settings) -> None:
    alibaba = settings.alibaba.model_copy(update={"credentials": FromChain()})
    by_default = settings.model_copy(update={"alibaba": alibaba})
    world = World(cloud=Keyless(ManualClock(NOW)))

    chained = (await findings(world, by_default))["rmq-demo: reachable"].message
    static = (await findings(world, settings))["rmq-demo: reachable"].message

    assert chained.startswith("alibaba credentials: EcsMetadata.Refused; no other source of a key")
    assert "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET" in chained
    assert static.endswith("; check credentials and endpoint")


async def test_a_mistake_in_the_files_is_a_problem(settings: Settings) -> None:
    settings.policy.write_text("rules: []\nrulez: []\n", encoding="utf-8")

    found = await findings(World(), settings)

    assert found["config"].level is Level.PROBLEM
    assert "policy.yaml:2" in found["config"].message


BOT = "slack.demo: bot"


@pytest.mark.parametrize(
    ("slack", "scopes", "problem"),
    [
        ('{"ok": true, "team_id": "T0DEMO"}', "", ""),
        ('{"ok": true, "team_id": "T0X", "enterprise_id": "T0DEMO"}', "chat:write", ""),
        (
            '{"ok": true, "team_id": "T0ELSE"}',
            "chat:write",
            "the token is of T0ELSE, not of T0DEMO; take the one of that workspace",
        ),
        (
            '{"ok": true, "team_id": "T0DEMO"}',
            "commands,chat:write.public",
            (
                "the token lacks chat:write; give the app the bot scope chat:write, then install "
                "the app again, put its bot token into slack.<name>.bot_token and restart"
            ),
        ),
        (
            '{"ok": false, "error": "account_inactive"}',
            "",
            (
                "slack: account_inactive; the app's bot was removed: install the app again, put "
                "its bot token into slack.<name>.bot_token and restart"
            ),
        ),
        ('{"ok": false, "error": "ekm_denied"}', "", "slack: ekm_denied; see slack.<name>"),
    ],
)
async def test_a_bot_that_cannot_say_anything_is_found(
    settings: Settings, slack: str, scopes: str, problem: str
) -> None:
    world = World(http=Said(slack=slack, scopes=scopes))

    found = await findings(world, settings)

    assert found[BOT] == Finding(BOT, Level.PROBLEM if problem else Level.OK, problem)


async def test_the_bus_is_named_and_its_dead_letters_are_a_problem(settings: Settings) -> None:
    async with nats_server() as server, jet_on(server) as jet:
        on_bus = settings.model_copy(update={"nats": section(server)})
        sound = await findings(World(), on_bus)
        await jet.js.publish("keylease.dead.decide.x", b"")
        dead = await findings(World(), on_bus)

    assert sound["bus"].level is Level.OK
    assert re.fullmatch(
        r"NATS 2\.\d+\.\d+, stream KEYLEASE, replicas 1; no dead letters", sound["bus"].message
    )
    assert dead["bus"].level is Level.PROBLEM
    assert dead["bus"].message.endswith("; 1 dead letter: see `keylease dlq list`")


async def test_a_bus_that_will_not_do_is_a_problem(settings: Settings) -> None:
    async with nats_server(jetstream=False) as server:
        on_bus = settings.model_copy(update={"nats": section(server)})
        found = await findings(World(), on_bus)

    assert (found["bus"].level, found["bus"].message) == (
        Level.PROBLEM,
        "nats: JetStream is off on this server or for this user; switch it on",
    )
    assert found["no stuck lease"].level is Level.OK


async def test_without_slack_everything_else_is_examined(settings: Settings) -> None:
    found = await findings(World(http=Said(is_down=True)), settings)

    assert found[BOT].level is Level.WARNING
    assert found[BOT].message == "slack: NotSent; Slack was not reached, so nothing is known"
    assert found["no stuck lease"].level is Level.OK


async def test_a_bot_without_its_secret_is_found(settings: Settings) -> None:
    tenant = settings.slack["demo"]
    lost = tenant.model_copy(update={"bot_token": Sourced("env", problem="it is not set")})
    changed = settings.model_copy(update={"slack": {"demo": lost}})

    found = await findings(World(), changed)

    assert (found[BOT].level, found[BOT].message) == (Level.PROBLEM, "it is not set")


async def test_a_workspace_without_a_bot_is_not_asked_for(settings: Settings) -> None:
    silent = settings.slack["demo"].model_copy(update={"bot_token": None})
    changed = settings.model_copy(update={"slack": {"demo": silent}})

    assert BOT not in await findings(World(), changed)
