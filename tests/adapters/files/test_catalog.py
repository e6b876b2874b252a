"""A catalog file is read as written, and each mistake is named with its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from keylease.adapters.files.catalog import FileCatalog, load_catalog
from keylease.domain.access import Action, Product
from keylease.errors import Misconfigured
from keylease.ports.directory import Catalog
from tests.support.build import permission

GOOD = """\
targets:
  rmq-demo: {product: rocketmq, instance: rmq-cn-demo0001, region: cn-hangzhou, labels: {env: prod}}
  cache-demo: {product: redis, instance: r-demo0001, region: cn-hangzhou, account_limit: 16}
entitlements:
  orders-consumer:
    title: Read orders
    target: rmq-demo
    permissions:
      - {topic: orders, actions: [Sub], from: [10.0.0.0/8]}
      - {group: GID_orders, actions: [Sub]}
  cache-reader:
    target: cache-demo
    permissions: [{cache: true, actions: [read]}]
  orders-feed:
    target: rmq-demo
    account: svc_orders
    permissions: [{topic: orders, actions: [Pub]}]
standing:
  - {target: rmq-demo, username: svc_orders, owner: ana, rotation: {every: 30d, jitter: 6h}}
  - target: cache-demo
    username: svc_cache
    owner: ana
    rotation: {cron: "0 3 * * 1", time_zone: Asia/Shanghai}
  - {target: cache-demo, username: svc_old, owner: ana}
"""


def load(folder: Path, text: str) -> FileCatalog:
    path = folder / "catalog.yaml"
    path.write_text(text)
    return load_catalog(path)


def test_a_catalog_keeps_the_port(tmp_path: Path) -> None:
    catalog: Catalog = load(tmp_path, GOOD)

    target = catalog.target("rmq-demo")
    assert target is not None
    assert target.product is Product.ROCKETMQ
    assert target.instance_id == "rmq-cn-demo0001"
    assert target.labels == {"env": "prod"}
    assert [one.id for one in catalog.targets()] == ["cache-demo", "rmq-demo"]
    assert catalog.targets()[0].account_limit == 16
    assert catalog.target("nothing") is None


def test_entitlements_hold_permissions(tmp_path: Path) -> None:
    catalog = load(tmp_path, GOOD)

    names = [one.id for one in catalog.entitlements()]
    assert names == ["cache-reader", "orders-consumer", "orders-feed"]
    orders = catalog.entitlement("orders-consumer")
    assert orders is not None
    assert orders.title == "Read orders"
    assert orders.permissions == (
        permission("topic:orders", "Sub", "10.0.0.0/8"),
        permission("group:GID_orders", "Sub"),
    )
    cache = catalog.entitlement("cache-reader")
    assert cache is not None
    assert cache.permissions[0].name == "*"
    assert cache.permissions[0].actions == frozenset({Action.READ})
    assert catalog.entitlement("nothing") is None


def test_standing_accounts_have_schedules(tmp_path: Path) -> None:
    orders, cache, old = load(tmp_path, GOOD).standing()

    assert orders.id == "rmq-demo/svc_orders"
    assert orders.owner == "ana"
    assert orders.rotation is not None
    assert orders.rotation.every_days == 30
    assert orders.rotation.jitter == timedelta(hours=6)
    assert cache.rotation is not None
    assert (cache.rotation.cron, cache.rotation.time_zone) == ("0 3 * * 1", "Asia/Shanghai")
    assert old.rotation is None


def test_the_digest_is_of_what_the_file_says(tmp_path: Path) -> None:
    first = load(tmp_path, GOOD).digest

    assert load(tmp_path, "# the same\n" + GOOD).digest == first
    assert load(tmp_path, GOOD.replace("16", "17")).digest != first


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "product: redis",
            "product: reddis",
            (
                "3: target cache-demo: product: 'reddis' is none of rocketmq, redis;"
                " did you mean redis?"
            ),
        ),
        (
            "account_limit: 16",
            "acount_limit: 16",
            "3: target cache-demo: acount_limit: unknown field; did you mean account_limit?",
        ),
        (
            "account_limit: 16",
            "account_limit: 0",
            (
                "3: target cache-demo: account_limit: input should be greater than or equal to 1,"
                " not 0"
            ),
        ),
        (
            "instance: r-demo0001, region: cn-hangzhou",
            "instance: rmq-cn-demo0001, region: cn-hangzhou",
            (
                "3: target cache-demo: instance: rmq-cn-demo0001 is also the instance of target"
                " rmq-demo; remove one"
            ),
        ),
        (
            "  cache-demo: {",
            "  cache/demo: {",
            "3: target cache/demo: string should match pattern",
        ),
        (
            "target: cache-demo\n    permissions",
            "target: cash-demo\n    permissions",
            (
                "12: entitlement cache-reader: target: no target cash-demo;"
                " known are cache-demo, rmq-demo"
            ),
        ),
        (
            "{group: GID_orders, actions: [Sub]}",
            "{group: GID_orders, actions: [Pub]}",
            "10: entitlement orders-consumer: permissions[1]: actions: Pub is no action of a group",
        ),
        (
            "{group: GID_orders, actions: [Sub]}",
            "{group: GID_orders, topic: x, actions: [Sub]}",
            (
                "10: entitlement orders-consumer: permissions[1]:"
                " name one of topic, group or cache: true"
            ),
        ),
        (
            "{group: GID_orders, actions: [Sub]}",
            "{group: GID_orders, actions: []}",
            "10: entitlement orders-consumer: permissions[1]: actions: is empty; name at least one",
        ),
        (
            "topic: orders, actions: [Sub], from",
            'topic: "orders*", actions: [Sub], from',
            "9: entitlement orders-consumer: permissions[0].topic: string should match pattern",
        ),
        (
            "10.0.0.0/8",
            "10.0.0.0/33",
            (
                "9: entitlement orders-consumer: permissions[0].from[0]:"
                " '10.0.0.0/33' is no address block"
            ),
        ),
        (
            "{cache: true, actions: [read]}",
            "{cache: true, actions: [read], from: [10.0.0.0/8]}",
            (
                "13: entitlement cache-reader: permissions[0]: from:"
                " a cache account cannot be limited to addresses; remove it"
            ),
        ),
        (
            "{cache: true, actions: [read]}",
            "{topic: orders, actions: [Sub]}",
            "13: entitlement cache-reader: permissions[0]: a redis target has no topic",
        ),
        (
            "[{cache: true, actions: [read]}]",
            "[]",
            "13: entitlement cache-reader: permissions: is empty; name at least one",
        ),
        (
            "account: svc_orders",
            "account: svc_order",
            (
                "16: entitlement orders-feed: account:"
                " svc_order is no standing account of rmq-demo; add it there"
            ),
        ),
        (
            "{target: rmq-demo, username",
            "{target: rmq-dem, username",
            "19: standing account 1: target: no target rmq-dem; known are cache-demo, rmq-demo",
        ),
        (
            "username: svc_old",
            "username: svc_cache",
            "24: standing account 3: username: svc_cache on cache-demo is listed twice; remove one",
        ),
        (
            "every: 30d",
            "every: 36h",
            "19: standing account 1: rotation: every: 1d12h is not a number of whole days",
        ),
        (
            "{every: 30d, jitter: 6h}",
            "{}",
            "19: standing account 1: rotation: give either cron or every_days",
        ),
        (
            "{every: 30d, jitter: 6h}",
            "{every: 30d, time_zone: UTC}",
            "19: standing account 1: rotation: time_zone: belongs to cron; remove it",
        ),
        (
            'cron: "0 3 * * 1"',
            'cron: "0 3 * * 1", jitter: 1h',
            "23: standing account 2: rotation: jitter: belongs to every; remove it",
        ),
        (
            "0 3 * * 1",
            "0 3 31 2 *",
            "23: standing account 2: rotation: '0 3 31 2 *' is no cron line that ever fires",
        ),
        (
            "Asia/Shanghai",
            "Asia/Shanghia",
            "23: standing account 2: rotation: no time zone 'Asia/Shanghia'",
        ),
    ],
)
def test_a_mistake_names_file_line_and_field(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in GOOD

    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, GOOD.replace(right, wrong, 1))

    assert f"{tmp_path}/catalog.yaml:{message}" in str(caught.value)
