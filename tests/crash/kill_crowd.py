"""Twenty requests at once, half of them on one standing account, for two workers on one file."""

import asyncio

from pydantic import SecretStr

from keylease.cli.demo_stage import Stage
from keylease.emulator.world import MqAccount, MqRule
from tests.crash.kill_play import Play
from tests.crash.kill_worker import Worker

SERVICE = "svc_orders"
POLICY = """\
rules:
  - name: messages
    who: {groups: [orders]}
    may:
      target: rmq-demo
      topics: ["*"]
      groups: ["GID_*"]
      actions: [Pub, Sub]
      accounts: ["svc_*"]
    terms: {max_duration: 10m}
  - name: cache
    who: {groups: [orders]}
    may: {target: cache-demo, cache: true, actions: [read]}
    terms: {max_duration: 10m}
"""
STANDING = """\
  - target: rmq-demo
    username: svc_orders
    owner: bo
"""
BASELINE = (
    MqRule(
        username=SERVICE,
        resource_type="Topic",
        resource_name="orders",
        decision="Allow",
        actions=("Pub",),
        ip_whitelists=("0.0.0.0/0",),
    ),
    MqRule(
        username=SERVICE,
        resource_type="Group",
        resource_name="GID_payments",
        decision="Allow",
        actions=("Sub",),
    ),
)
"""What stands on the service's account before keylease."""
HELD = {
    ("Topic", "orders"): {"Pub", "Sub"},
    ("Topic", "payments"): {"Pub", "Sub"},
    ("Group", "GID_orders"): {"Sub"},
    ("Group", "GID_payments"): {"Sub"},
}
"""And while all leases live."""
OWN = 10
"""Of the crowd, the first have accounts of their own."""
CROWD = tuple(
    f"{what} because INC-{number}"
    for number, what in enumerate(
        (
            *("orders-consumer for 5m",) * 6,
            *("cache-reader for 5m",) * 4,
            *("rmq-demo topic:orders Sub for 5m as svc_orders",) * 3,
            *("rmq-demo topic:orders Pub,Sub for 5m as svc_orders",) * 2,
            *("rmq-demo topic:payments Pub + group:GID_orders Sub for 5m as svc_orders",) * 3,
            *("rmq-demo topic:payments Sub for 5m as svc_orders",) * 2,
        )
    )
)


def crowd(stage: Stage, /) -> None:
    """Let the policy permit it all, and the service's account be there."""
    (stage.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with (stage.folder / "catalog.yaml").open("a", encoding="utf-8") as catalog:
        catalog.write(STANDING)
    shelf = stage.emulator.world.rocketmq
    (instance,) = shelf.all()
    service = MqAccount(username=SERVICE, password=SecretStr("before-1A"))
    accounts = (*instance.accounts, service)
    shelf.put(instance.model_copy(update={"accounts": accounts, "rules": BASELINE}))


async def dies(worker: Worker, /, *, after: float) -> None:
    """Kill it then, for good."""
    await asyncio.sleep(after)
    worker.is_kept = False
    worker.kill()


def rows_of(play: Play, username: str, /) -> list[MqRule]:
    """What the cloud lets that account do."""
    (instance,) = play.stage.emulator.world.rocketmq.all()
    return [row for row in instance.rules if row.username == username]
