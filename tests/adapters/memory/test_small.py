"""The small memory adapters keep the contracts too."""

from datetime import UTC, datetime, timedelta

import pytest

from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.directory import MemoryCatalog, MemoryDirectory
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.domain.access import Entitlement, Product, StandingAccount
from keylease.domain.people import ExternalId, Principal
from tests.contract.clock import ClockContract
from tests.contract.ids import IdsContract
from tests.contract.secrets import CLEAR, ROW, SecretsContract
from tests.support.build import REDIS, ROCKETMQ, SUB_ORDERS

SLACK_ANA = ExternalId(platform="slack", tenant="T1", subject="UANA")
ANA = Principal(id="ana", groups=frozenset({"orders"}), addresses=(SLACK_ANA,))
BEN = Principal(id="ben", groups=frozenset({"orders", "leads"}))


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(datetime(2026, 5, 1, 8, tzinfo=UTC))


class TestSeededIds(IdsContract):
    @pytest.fixture
    def ids(self) -> SeededIds:
        return SeededIds(7)


class TestMemorySecrets(SecretsContract):
    @pytest.fixture
    def secrets(self) -> MemorySecrets:
        return MemorySecrets()


def test_the_clock_moves_when_it_is_told() -> None:
    clock = ManualClock()

    assert clock.advance(timedelta(hours=1)) == clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    clock.set(datetime(2025, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2025, 1, 1, tzinfo=UTC)


def test_a_seed_decides_everything() -> None:
    one, same, other = SeededIds(1), SeededIds(1), SeededIds(2)

    assert one.new("lease") == same.new("lease") != other.new("lease")
    assert one.jitter() == same.jitter() != other.jitter()
    secrets, twin = MemorySecrets(seed=3), MemorySecrets(seed=3)
    assert secrets.password(Product.REDIS) == twin.password(Product.REDIS)
    assert MemorySecrets(seed=4).token() != secrets.token()


def test_older_memory_keys_still_open() -> None:
    sealed = MemorySecrets(key_ids=("m1",)).seal(CLEAR, context=ROW)

    assert MemorySecrets(key_ids=("m2", "m1")).open(sealed, context=ROW) == CLEAR


async def test_people_are_found_by_id_address_and_group() -> None:
    directory = MemoryDirectory((ANA, BEN))

    assert await directory.resolve(SLACK_ANA) == ANA
    assert await directory.resolve(SLACK_ANA.evolve(tenant="T2")) is None
    assert await directory.principal("ben") == BEN
    assert await directory.principal("eve") is None
    assert set(await directory.members("orders")) == {ANA, BEN}
    assert await directory.members("ana") == (ANA,)
    assert await directory.members("nobody") == ()


async def test_a_known_id_counts_before_addresses() -> None:
    hook = ExternalId(platform="webhook", tenant="t", subject="ci")

    directory = MemoryDirectory((ANA, BEN), known={hook: "ben", SLACK_ANA: "gone"})

    assert await directory.resolve(hook) == BEN
    assert await directory.resolve(SLACK_ANA) is None


async def test_an_address_of_two_people_is_nobodys() -> None:
    directory = MemoryDirectory((ANA, BEN.evolve(addresses=(SLACK_ANA,))))

    assert await directory.resolve(SLACK_ANA) is None


async def test_people_join_change_and_leave() -> None:
    directory = MemoryDirectory((ANA,))

    directory.put(BEN)
    directory.put(ANA.evolve(groups=frozenset[str]()))
    assert await directory.members("orders") == (BEN,)

    directory.remove("ben")
    assert await directory.members("orders") == ()


def test_the_catalog_is_sorted_by_name() -> None:
    bundle = Entitlement(id="orders-read", target="rmq-demo", permissions=(SUB_ORDERS,))
    service = StandingAccount(target="rmq-demo", username="billing", owner="ben")

    catalog = MemoryCatalog(targets=(ROCKETMQ, REDIS), entitlements=(bundle,), standing=(service,))

    assert catalog.targets() == (REDIS, ROCKETMQ)
    assert catalog.target("rmq-demo") == ROCKETMQ
    assert catalog.target("nowhere") is None
    assert catalog.entitlement("orders-read") == bundle
    assert catalog.entitlement("nothing") is None
    assert catalog.entitlements() == (bundle,)
    assert catalog.standing() == (service,)
