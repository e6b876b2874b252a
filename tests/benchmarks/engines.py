"""One translation per policy engine: a policy made ready, then from a request to a yes or no.

Each engine gets what serves it best: Cedar, regorus and CEL see only the rules of the action that
is asked for, addresses are compared as numbers where an engine has no type for them, and casbin's
logger is off.
"""

import json
import logging
import tempfile
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import casbin
import cedarpy
import cel
import opa_eval

from keylease.domain.decision import Effect
from keylease.domain.request import Asked
from keylease.policy.evaluate import Facts
from tests.benchmarks.rules import ACTIONS, BenchRule, our_rule
from tests.support.build import HOUR
from tests.support.policies import MONDAY_NOON, policy

PERMIT = Effect.PERMIT
Question = tuple[Asked, Facts]
Answers = Callable[[list[Question]], list[bool]]
"""Decides all requests."""


def keylease_with_reasons(rules: list[BenchRule], /) -> Answers:
    """Ours, whole: a decision has its rule, its reasons and the facts that it depended on."""
    ours = policy(*map(our_rule, rules))

    def answers(asked: list[Question]) -> list[bool]:
        return [
            ours.decide(what, facts=facts, now=MONDAY_NOON).effect is PERMIT
            for what, facts in asked
        ]

    return answers


def keylease(rules: list[BenchRule], /) -> Answers:
    """Ours, with no more than the other engines answer: the effect and the rule."""
    ours = policy(*map(our_rule, rules))

    def answers(asked: list[Question]) -> list[bool]:
        return [
            ours.judge(what, facts=facts, now=MONDAY_NOON).effect is PERMIT for what, facts in asked
        ]

    return answers


def cedar(rules: list[BenchRule], /) -> Answers:
    policies = {
        action: cedarpy.PolicySet.from_str(
            "\n".join(_cedar_rule(one) for one in rules if action in one.actions)
        )
        for action in ACTIONS
    }

    def answers(asked: list[Question]) -> list[bool]:
        return [
            cedarpy.is_authorized(
                _cedar_request(what, action), policies[action], _entities(what, facts)
            ).allowed
            for what, facts in asked
            for action in what.permissions[0].actions
        ]

    return answers


def _cedar_rule(one: BenchRule) -> str:
    conditions = [
        f'principal in Group::"{one.group}"',
        f'resource.target == "{one.target}"',
        f'resource.name like "{one.prefix}*"',
        f'context.address.isInRange(ip("{one.block}"))',
    ]
    conditions += [] if one.deny else [f"context.hours <= {one.hours}"]
    conditions += ["context has ticket"] if one.ticket else []
    verb = "forbid" if one.deny else "permit"
    return f"{verb} (principal, action, resource) when {{ {' && '.join(conditions)} }};"


def _cedar_request(asked: Asked, action: str) -> dict[str, Any]:
    (address,) = asked.permissions[0].whitelist
    context: dict[str, Any] = {
        "hours": asked.duration // HOUR,
        "address": {"__extn": {"fn": "ip", "arg": address}},
    }
    if asked.ticket:
        context["ticket"] = asked.ticket
    return {
        "principal": {"type": "User", "id": asked.requester},
        "action": {"type": "Action", "id": action},
        "resource": {"type": "Topic", "id": asked.permissions[0].name},
        "context": context,
    }


def _entities(asked: Asked, facts: Facts) -> list[dict[str, Any]]:
    name, person = asked.permissions[0].name, facts.principal
    groups = [{"type": "Group", "id": group} for group in (person.groups if person else ())]
    attrs = {"name": name, "target": asked.target}
    return [
        {"uid": {"type": "User", "id": asked.requester}, "attrs": {}, "parents": groups},
        {"uid": {"type": "Topic", "id": name}, "attrs": attrs, "parents": []},
    ]


REGO = """
package access
import rego.v1

default allow := false
allow if {
    some rule in data.permits[input.action]
    applies(rule)
    input.hours <= rule.hours
    ticket_is_there(rule)
    not denied
}
denied if {
    some rule in data.denials[input.action]
    applies(rule)
}
applies(rule) if {
    rule.target == input.target
    startswith(input.topic, rule.prefix)
    rule.group in input.groups
    rule.first <= input.first
    input.last <= rule.last
}
ticket_is_there(rule) if not rule.ticket
ticket_is_there(rule) if input.ticket
"""


def regorus(rules: list[BenchRule], /) -> Answers:
    """Rules as data, by action; addresses as numbers, since this build has no `net.*`."""
    kinds = {"permits": False, "denials": True}
    documents = {
        kind: {
            action: [_rego_rule(one) for one in rules if one.deny is deny and action in one.actions]
            for action in ACTIONS
        }
        for kind, deny in kinds.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "access.rego"
        path.write_text(REGO)
        engine = opa_eval.OpaEval(str(path), json.dumps(documents), "data.access.allow")

    def answers(asked: list[Question]) -> list[bool]:
        return [
            engine.evaluate_parsed(json.dumps(_flat(what, facts))) is True for what, facts in asked
        ]

    return answers


def _rego_rule(one: BenchRule) -> dict[str, Any]:
    first, last = one.first_and_last
    return {
        "group": one.group,
        "target": one.target,
        "prefix": one.prefix,
        "hours": one.hours,
        "ticket": one.ticket,
        "first": first,
        "last": last,
    }


@lru_cache(maxsize=4096)
def _numbers(cidr: str, /) -> tuple[int, int]:
    """Kept for engines that know no addresses, since we keep what we read of them."""
    network = ip_network(cidr)
    return int(network.network_address), int(network.broadcast_address)


def _flat(asked: Asked, facts: Facts) -> dict[str, Any]:
    permission, person = asked.permissions[0], facts.principal
    (action,) = permission.actions
    (address,) = permission.whitelist
    first, last = _numbers(address)
    return {
        "groups": list(person.groups) if person else [],
        "target": asked.target,
        "topic": permission.name,
        "action": action._value_,
        "hours": asked.duration // HOUR,
        "ticket": asked.ticket is not None,
        "first": first,
        "last": last,
    }


def common_expression_language(rules: list[BenchRule], /) -> Answers:
    """One program per action for all rules, which is faster than one per rule."""
    programs = {
        action: cel.compile(_cel_program([one for one in rules if action in one.actions]))
        for action in ACTIONS
    }

    def answer(flat: dict[str, Any]) -> bool:
        return programs[flat["action"]].execute(cel.Context(flat)) is True

    def answers(asked: list[Question]) -> list[bool]:
        return [answer(_flat(what, facts)) for what, facts in asked]

    return answers


def _cel_program(rules: list[BenchRule]) -> str:
    permits = " || ".join(f"({_cel_rule(one)})" for one in rules if not one.deny)
    denials = " || ".join(f"({_cel_rule(one)})" for one in rules if one.deny)
    return f"!({denials or 'false'}) && ({permits or 'false'})"


def _cel_rule(one: BenchRule) -> str:
    first, last = one.first_and_last
    conditions = [
        f'target == "{one.target}"',
        f'topic.startsWith("{one.prefix}")',
        f'"{one.group}" in groups',
        f"first >= {first} && last <= {last}",
    ]
    conditions += [] if one.deny else [f"hours <= {one.hours}"]
    conditions += ["ticket"] if one.ticket else []
    return " && ".join(conditions)


CASBIN = """
[request_definition]
r = groups, target, topic, act, hours, ticket, first, last
[policy_definition]
p = group, target, prefix, acts, hours, ticket, first, last, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.target == p.target && starts(r.topic, p.prefix) && has(p.acts, r.act) \
 && has(r.groups, p.group) && within(r.first, r.last, p.first, p.last) \
 && enough(r.hours, p.hours, r.ticket, p.ticket)
"""


def pycasbin(rules: list[BenchRule], /) -> Answers:
    """Rules are rows of strings; host functions read them."""
    logging.getLogger("casbin").setLevel(logging.CRITICAL)
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=CASBIN))
    enforcer.add_function("starts", str.startswith)
    enforcer.add_function("has", lambda many, one: one in many)
    enforcer.add_function(
        "within", lambda first, last, least, most: int(least) <= first and last <= int(most)
    )
    enforcer.add_function(
        "enough", lambda hours, most, has, needs: hours <= int(most) and (has or needs == "no")
    )
    enforcer.add_policies([_casbin_row(one) for one in rules])

    def answers(asked: list[Question]) -> list[bool]:
        return [bool(enforcer.enforce(*_flat(what, facts).values())) for what, facts in asked]

    return answers


def _casbin_row(one: BenchRule) -> list[str]:
    first, last = one.first_and_last
    hours = "99" if one.deny else str(one.hours)
    return [
        one.group, one.target, one.prefix, "|".join(one.actions), hours,
        "yes" if one.ticket else "no", str(first), str(last), "deny" if one.deny else "allow",
    ]  # fmt: skip
