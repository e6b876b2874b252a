"""What must be true, worked out a second time and in another way than the code does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keylease.domain.access import Action, Permission, ResourceType
from keylease.domain.lease import Lease
from keylease.emulator.world import MqInstance, MqRule, RedisInstance
from tests.support.simulation import Simulation, standing_rows

NETS = ("10.0.0.0/8", "192.168.0.0/16")
ELSEWHERE = "elsewhere"
"""Any address outside of NETS: a list of these three says all that our whitelists can say."""
WIRE = {"Topic": ResourceType.TOPIC, "Group": ResourceType.GROUP}

Right = tuple[str, ResourceType, str, str, str]
"""Who may do what with which resource from where: user name, type, name, action, place."""


def places(whitelist: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(whitelist)
    return listed if listed and "0.0.0.0/0" not in listed else (*NETS, ELSEWHERE)


def rights_of_rule(rule: MqRule) -> set[Right]:
    actions = {one for text in rule.actions for one in text.split("|")}
    kind = WIRE[rule.resource_type]
    return {
        (rule.username, kind, rule.resource_name, action, place)
        for action in actions
        for place in places(rule.ip_whitelists)
    }


def rights_of(username: str, permissions: Iterable[Permission]) -> set[Right]:
    return {
        (username, p.resource, p.name, str(action), place)
        for p in permissions
        for action in p.actions
        for place in places(p.whitelist)
    }


def fits_one_row(rights: set[Right]) -> bool:
    """Whether the rights on one resource are actions times places, with nothing left out."""
    by_resource: dict[tuple[str, ResourceType, str], set[tuple[str, str]]] = {}
    for username, kind, name, action, place in rights:
        by_resource.setdefault((username, kind, name), set()).add((action, place))
    return all(
        len(pairs) == len({a for a, _ in pairs}) * len({p for _, p in pairs})
        for pairs in by_resource.values()
    )


def baseline() -> set[Right]:
    return set().union(*(rights_of_rule(rule) for rule in standing_rows()))


def of_leases(leases: Iterable[Lease]) -> set[Right]:
    return set().union(*(rights_of(x.account_id.partition("/")[2], x.permissions) for x in leases))


@dataclass(frozen=True)
class Shown:
    """What the cloud gives, read from its state and not through any API."""

    rights: set[Right]
    dedicated: set[str]
    """User names of accounts that exist, can log in and are ours."""


def shown(world: Simulation) -> Shown:
    """RocketMQ: rows of accounts that exist and are enabled. Redis: roles."""
    live = world.cloud.live
    return held_by(live.rocketmq["rmq-cn-demo0001"], live.redis["r-demo0001"])


def held_by(mq: MqInstance, cache: RedisInstance) -> Shown:
    """What these two instances give."""
    enabled = {a.username for a in mq.accounts if a.account_status == "ENABLE"}
    rights = set[Right]().union(
        *(rights_of_rule(rule) for rule in mq.rules if rule.username in enabled)
    )
    for account in cache.accounts:
        if not account.built_in and not account.leaving:
            actions = [Action.READ]
            if account.privilege == "RoleReadWrite":
                actions.append(Action.WRITE)
            rights |= {
                (account.name, ResourceType.CACHE, "*", str(action), place)
                for action in actions
                for place in places(())
            }
    names = {a.username for a in mq.accounts} | {a.name for a in cache.accounts}
    return Shown(rights, {name for name in names if name.startswith("kl")})


CACHE_BASELINE = {
    ("svc_cache", ResourceType.CACHE, "*", str(Action.READ), place) for place in places(())
}


def entitled(leases: Iterable[Lease]) -> set[Right]:
    """All that these leases and what stood before allow."""
    return baseline() | CACHE_BASELINE | of_leases(leases)


def live(leases: Iterable[Lease], now: datetime) -> list[Lease]:
    return [lease for lease in leases if lease.is_open and now < lease.not_after]
