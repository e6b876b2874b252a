"""Rules and requests over a small world, most requests made to fit a rule and then maybe broken.

A seeded generator instead of Hypothesis: uniform draws fit a rule in 3 % of the cases only, and
cost more than both engines together.
"""

import random  # noqa: TID251  # always seeded
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from keylease.domain.access import Entitlement, Permission, Product, Target
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.facts import Facts
from keylease.policy.model import Rule
from tests.support.build import permission
from tests.support.policies import rule

Dice = random.Random
GROUPS = ("orders", "payments", "leads")
NAMES = ("orders", "orders-eu", "payments", "ledger", "x-orders")
PATTERNS = ("orders", "orders*", "*", "*-eu", "l*r", "payments", "*orders*")
TARGETS = ("rmq-demo", "rmq-test", "cache-demo")
TARGET_PATTERNS = ("rmq-demo", "rmq-*", "*", "*-test", "cache-demo")
CIDRS = ("10.0.0.0/8", "10.1.0.0/16", "192.168.7.0/24", "10.1.2.3/32", "fd00::/8", "fd00:1::/32")
HOURS = (
    "Mon-Fri 08:00-20:00 Asia/Shanghai",
    "Mon-Thu,Sat 22:00-06:00 Europe/Berlin",
    "Sat,Sun 00:00-24:00 Europe/Berlin",
    "Fri-Mon 09:30-17:45 America/New_York",
)
DURATIONS = ("30m", "1h", "8h", "1d12h")
ENTITLEMENTS = ("reader", "writer")


@dataclass(frozen=True, slots=True)
class Situation:
    """A request, the facts about it, and an instant."""

    asked: Asked
    facts: Facts
    now: datetime


def rules(dice: Dice, /, *, most: int = 8) -> list[Rule]:
    """Up to `most` rules, one in seven of them a deny."""
    made = []
    for number in range(dice.choice((0, *range(2, most + 1)))):
        fields = _denial(dice) if dice.random() < 0.15 else _permit(dice)
        made.append(rule(f"r{number}", **fields))
    return made


def permit(dice: Dice, /, *, name: str) -> Rule:
    return rule(name, **_permit(dice))


def denial(dice: Dice, /, *, name: str) -> Rule:
    return rule(name, **_denial(dice))


def situation(dice: Dice, /, *, fitting: list[Rule]) -> Situation:
    """Something asked for; mostly what one of the rules is about."""
    permits = [one for one in fitting if not one.deny]
    model = dice.choice(permits) if permits and dice.random() < 0.9 else None
    target = _target(dice, model)
    principal = _principal(dice, model)
    permissions = _permissions(dice, model, product=target.product)
    entitlement = _named(dice, model)
    asked = Asked(
        requester=principal.id,
        target=target.id,
        permissions=permissions,
        duration=_duration(dice, model),
        reason="generated",
        ticket=dice.choice(("INC-1", "INC-1", None)),
        entitlement=entitlement,
    )
    bundle = Entitlement(id=entitlement or "none", target=target.id, permissions=permissions)
    return Situation(
        asked=asked,
        facts=Facts(
            principal=principal,
            target=target,
            entitlement=bundle,
            members=_members(dice, principal),
        ),
        now=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(366 * 24 * 60)),
    )


def _some(dice: Dice, values: tuple[str, ...], /, most: int = 2) -> list[str]:
    return dice.sample(values, dice.randint(1, most))


def _resources(dice: Dice) -> dict[str, Any]:
    kind = dice.choice(("topics", "topics", "groups", "both", "cache"))
    if kind == "cache":
        return {"cache": True, "actions": _some(dice, ("read", "write"))}
    if kind == "groups":
        return {"groups": _some(dice, PATTERNS), "actions": ["Sub"]}
    may: dict[str, Any] = {"topics": _some(dice, PATTERNS), "actions": _some(dice, ("Pub", "Sub"))}
    return may | ({"groups": _some(dice, PATTERNS)} if kind == "both" else {})


def _who(dice: Dice) -> dict[str, Any]:
    return dice.choice(
        (
            {"groups": _some(dice, GROUPS)},
            {"people": _some(dice, ("ana", "bo"))},
            {"workloads": ["ci"], "groups": _some(dice, GROUPS, most=1)},
            {"anyone": True},
        )
    )


def _when(dice: Dice, *, chance: float) -> dict[str, Any]:
    when: dict[str, Any] = {
        "hours": _some(dice, HOURS),
        "ip_within": _some(dice, CIDRS),
        "labels": {"env": _some(dice, ("prod", "test", "p*"), most=1)},
        "entitlement": _some(dice, ENTITLEMENTS, most=1),
        "ticket": "required",
    }
    return {field: value for field, value in when.items() if dice.random() < chance}


def _permit(dice: Dice) -> dict[str, Any]:
    may = _resources(dice) | {"target": _some(dice, TARGET_PATTERNS)}
    when = _when(dice, chance=0.18)
    if may.get("cache"):
        when.pop("ip_within", None)
    terms: dict[str, Any] = {"max_duration": dice.choice(DURATIONS)}
    if dice.random() < 0.4:
        terms["approvals"] = {"from": _some(dice, ("leads", "payments", "bo", "ana"))}
    return {"who": _who(dice), "may": may, "when": when, "terms": terms}


def _denial(dice: Dice) -> dict[str, Any]:
    may = _resources(dice) if dice.random() < 0.8 else {}
    if dice.random() < 0.5:
        may["target"] = _some(dice, TARGET_PATTERNS)
    when = _when(dice, chance=0.4)
    when.pop("ticket", None)
    made: dict[str, Any] = {"deny": True, "may": may, "when": when}
    return made | ({"who": _who(dice)} if dice.random() < 0.6 else {})


def _like(dice: Dice, patterns: tuple[str, ...], values: tuple[str, ...], /) -> str:
    """Mostly a value that one of the patterns matches, told by simple means."""
    if dice.random() < 0.9:
        values = tuple(v for v in values if any(_fits(p, v) for p in patterns)) or values
    return dice.choice(values)


def _fits(pattern: str, value: str) -> bool:
    return all(piece in value for piece in pattern.split("*")) and (
        "*" in pattern or pattern == value
    )


def _target(dice: Dice, model: Rule | None) -> Target:
    id_ = _like(dice, model.may.target if model else (), TARGETS)
    product = Product.REDIS if id_ == "cache-demo" else Product.ROCKETMQ
    labels = dice.choice(({}, {"env": "prod"}, {"env": "prod"}, {"env": "test"}))
    return Target(id=id_, product=product, instance_id="i", region="r", labels=labels)


def _principal(dice: Dice, model: Rule | None) -> Principal:
    id_, groups = dice.choice(("ana", "bo", "ci")), set(dice.sample(GROUPS, dice.randint(0, 2)))
    if model is not None and model.who is not None and dice.random() < 0.8:
        groups |= set(model.who.groups[:1])
        id_ = dice.choice(model.who.people or (id_,))
    return Principal(id=id_, groups=frozenset(groups), is_workload=id_ == "ci")


def _permissions(dice: Dice, model: Rule | None, *, product: Product) -> tuple[Permission, ...]:
    allowed = tuple(map(str, model.may.actions)) if model and dice.random() < 0.9 else ()
    if product is Product.REDIS:
        actions = tuple(a for a in allowed if a in ("read", "write")) or ("read", "write")
        return (permission("cache", ",".join(_some(dice, actions, most=len(actions)))),)
    blocks = _blocks(dice, model)
    actions = tuple(a for a in allowed if a in ("Pub", "Sub")) or ("Pub", "Sub")
    made = {}
    for _ in range(dice.choice((1, 1, 2))):
        topics = model.may.topics if model else PATTERNS
        is_topic = dice.random() < 0.7 if not model or model.may.groups else bool(topics)
        name = _like(dice, topics if is_topic else (model.may.groups if model else ()), NAMES)
        chosen = ",".join(_some(dice, actions, most=len(actions))) if is_topic else "Sub"
        kind = "topic" if is_topic else "group"
        made[kind, name] = permission(f"{kind}:{name}", chosen, *blocks)
    return tuple(made.values())


def _blocks(dice: Dice, model: Rule | None) -> list[str]:
    if model is not None and model.when.ip_within and dice.random() < 0.7:
        return list(dice.sample(model.when.ip_within, 1)) + (
            ["10.1.2.3/32"] if dice.random() < 0.3 else []
        )
    return dice.choice(([], _some(dice, CIDRS)))


def _named(dice: Dice, model: Rule | None) -> str | None:
    if model is not None and model.when.entitlement and dice.random() < 0.8:
        return model.when.entitlement[0]
    return dice.choice((None, None, *ENTITLEMENTS))


def _duration(dice: Dice, model: Rule | None) -> timedelta:
    if model is not None and model.terms is not None and dice.random() < 0.7:
        return model.terms.max_duration
    return timedelta(minutes=dice.choice((30, 60, 61, 480, 2160, 2161)))


def _members(dice: Dice, principal: Principal) -> dict[str, tuple[Principal, ...] | None]:
    cy, ci = Principal(id="cy"), Principal(id="ci", is_workload=True)
    some = ((cy,), (cy, principal), (cy, ci), (principal,), (ci,), ())
    found: dict[str, tuple[Principal, ...] | None] = {g: dice.choice(some) for g in GROUPS}
    return found | {"ana": (Principal(id="ana"),), "bo": (Principal(id="bo"),)}
