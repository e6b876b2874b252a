"""Builders of rules, policies, requests and facts: each test says only what it is about."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from keylease.domain.access import Product, Target
from keylease.domain.decision import Decision, RuleRef
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.evaluate import Policy
from keylease.policy.facts import Facts
from keylease.policy.model import PlacedRule, Rule
from tests.support.build import permission

MONDAY_NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""
RMQ = Target(
    id="rmq-demo",
    product=Product.ROCKETMQ,
    instance_id="rmq-cn-demo0001",
    region="cn-hangzhou",
    labels={"env": "prod"},
)
CACHE = Target(
    id="cache-demo",
    product=Product.REDIS,
    instance_id="r-demo0001",
    region="cn-hangzhou",
    labels={"env": "prod"},
)


def rule(name: str = "orders", /, **fields: Any) -> Rule:
    """A permit: group `orders` may `Sub` on topics `orders*` of `rmq-demo` for 8 hours.

    Fields replace whole sections, written as in YAML: `when={"ticket": "required"}`.
    """
    defaults: dict[str, Any] = {
        "who": {"groups": ["orders"]},
        "may": {"target": "rmq-demo", "topics": ["orders*"], "actions": ["Sub"]},
        "terms": {"max_duration": "8h"},
    }
    if fields.get("deny"):
        defaults = {"may": {"topics": ["*"]}}
    return Rule.model_validate_json(json.dumps({"name": name, **defaults, **fields}))


def policy(*rules: Rule) -> Policy:
    """A policy in which rule number n stands in line n."""
    return Policy(
        PlacedRule(rule=one, ref=RuleRef(name=one.name, file="policy.yaml", line=number))
        for number, one in enumerate(rules, start=1)
    )


def permit_everything(**terms: Any) -> Policy:
    """Anyone may have anything anywhere, for a day; `terms` may ask for approvals."""
    anything = {"target": "*", "accounts": "*", "topics": "*", "groups": "*", "cache": True}
    actions = ["Pub", "Sub", "read", "write"]
    return policy(
        rule(
            "everything",
            who={"anyone": True},
            may={**anything, "actions": actions},
            terms={"max_duration": "1d", **terms},
        )
    )


def asked(**fields: Any) -> Asked:
    """Ana asks to read topic `orders` for an hour."""
    defaults: dict[str, Any] = {
        "requester": "ana",
        "target": "rmq-demo",
        "permissions": (permission("topic:orders", "Sub"),),
        "duration": timedelta(hours=1),
        "reason": "a test",
    }
    return Asked(**(defaults | fields))


def facts(**fields: Any) -> Facts:
    """Ana is in group `orders`; `rmq-demo` is production; Bo is the only lead."""
    defaults: dict[str, Any] = {
        "principal": Principal(id="ana", groups=frozenset({"orders"})),
        "target": RMQ,
        "members": {"leads": (Principal(id="bo", groups=frozenset({"leads"})),)},
    }
    return Facts(**(defaults | fields))


def decide(*rules: Rule, now: datetime = MONDAY_NOON, **fields: Any) -> Decision:
    """What a policy of these rules says; `facts` and any field of a request can be given."""
    known = fields.pop("facts", None) or facts()
    return policy(*rules).decide(asked(**fields), facts=known, now=now)
