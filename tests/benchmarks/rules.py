"""The rules and requests that every policy engine gets, drawn from a seed.

A rule here has a group, a target, topics, actions, a longest time, a ticket and an address block;
one in ten is a deny. That is the shape of our own model, which is a bias: a language can say more.
"""

import random  # noqa: TID251  # always seeded
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

from keylease.domain.access import Product, Target
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.evaluate import Facts
from keylease.policy.model import Rule
from tests.support.build import permission
from tests.support.policies import rule

ACTIONS = ("Pub", "Sub")
SYSTEMS = tuple(f"sys{number:03}" for number in range(50))
TEAMS = tuple(f"team{number:02}" for number in range(20))
TARGETS = ("rmq-prod", "rmq-test", "rmq-dev")
HOURS = (1, 4, 8)


@dataclass(frozen=True, slots=True)
class BenchRule:
    """One rule, in words that each engine's translation starts from."""

    name: str
    deny: bool
    group: str
    target: str
    prefix: str
    """Of topic names."""
    actions: tuple[str, ...]
    hours: int
    ticket: bool
    block: str

    @property
    def first_and_last(self) -> tuple[int, int]:
        """The address block as two numbers, for engines that know no addresses."""
        network = ip_network(self.block)
        return int(network.network_address), int(network.broadcast_address)


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    person: str
    groups: tuple[str, ...]
    target: str
    topic: str
    action: str
    hours: int
    ticket: str | None
    block: str


def rules(count: int, /, *, seed: int) -> list[BenchRule]:
    dice = random.Random(seed)  # noqa: S311  # no secret comes of it
    return [_rule(dice, number=number) for number in range(count)]


def cases(given: list[BenchRule], /, *, count: int, seed: int) -> list[Case]:
    """Half of them fit a permit, the other half is that with one thing changed."""
    dice = random.Random(seed)  # noqa: S311  # no secret comes of it
    permits = [one for one in given if not one.deny]
    return [_case(dice, model=dice.choice(permits)) for _ in range(count)]


def _rule(dice: random.Random, *, number: int) -> BenchRule:
    return BenchRule(
        name=f"r{number:04}",
        deny=number % 10 == 9,
        group=dice.choice(TEAMS),
        target=dice.choice(TARGETS),
        prefix=f"{dice.choice(SYSTEMS)}-",
        actions=tuple(sorted(dice.sample(ACTIONS, dice.randint(1, 2)))),
        hours=dice.choice(HOURS),
        ticket=dice.random() < 0.3 and number % 10 != 9,
        block=f"10.{dice.randrange(8)}.0.0/16",
    )


def _case(dice: random.Random, *, model: BenchRule) -> Case:
    fields = {
        "person": f"user{dice.randrange(100)}",
        "groups": tuple({model.group, *dice.sample(TEAMS, 2)}),
        "target": model.target,
        "topic": f"{model.prefix}{dice.randrange(100)}",
        "action": dice.choice(model.actions),
        "hours": dice.randint(1, model.hours),
        "ticket": "INC-1" if model.ticket or dice.random() < 0.5 else None,
        "block": f"{model.block.removesuffix('0.0/16')}{dice.randrange(256)}.0/24",
    }
    if dice.random() < 0.5:
        broken = {
            "groups": ("strangers",),
            "target": "rmq-else",
            "topic": "unknown-1",
            "hours": 24,
            "ticket": None,
            "block": "192.168.0.0/24",
        }
        name = dice.choice(tuple(broken))
        fields[name] = broken[name]
    return Case(**fields)  # type: ignore[arg-type]  # a dict of mixed values


def our_rule(one: BenchRule, /) -> Rule:
    what = {"target": one.target, "topics": [f"{one.prefix}*"], "actions": list(one.actions)}
    when: dict[str, object] = {"ip_within": [one.block]}
    if one.ticket:
        when["ticket"] = "required"
    shared = {"who": {"groups": [one.group]}, "may": what, "when": when}
    if one.deny:
        return rule(one.name, deny=True, **shared)
    return rule(one.name, **shared, terms={"max_duration": f"{one.hours}h"})


def our_question(case: Case, /) -> tuple[Asked, Facts]:
    asked = Asked(
        requester=case.person,
        target=case.target,
        permissions=(permission(f"topic:{case.topic}", case.action, case.block),),
        duration=timedelta(hours=case.hours),
        reason="a benchmark",
        ticket=case.ticket,
    )
    target = Target(
        id=case.target, product=Product.ROCKETMQ, instance_id=case.target, region="cn-hangzhou"
    )
    principal = Principal(id=case.person, groups=frozenset(case.groups))
    return asked, Facts(principal=principal, target=target)
