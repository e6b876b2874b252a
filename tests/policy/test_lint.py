"""Rules that cannot mean what they say are pointed out."""

import pytest

from keylease.policy.lint import lint
from keylease.policy.model import Rule
from keylease.policy.world import World
from tests.policy.test_explain import WORLD
from tests.support.policies import policy, rule

HOURS = "Mon-Fri 08:00-20:00 UTC"


def found(*rules: Rule, world: World | None = None) -> list[str]:
    return [
        f"{placed.rule.name}: {field}: {message}"
        for placed, field, message in lint(policy(*rules).rules, world=world)
    ]


def may(**fields: object) -> dict[str, object]:
    return {"target": "rmq-demo", "topics": ["orders*"], "actions": ["Sub"], **fields}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({}, {"when": {"ticket": "required"}}),
        ({}, {"when": {"hours": HOURS, "entitlement": "reader", "ip_within": "10.0.0.0/8"}}),
        ({"when": {"hours": HOURS}}, {"when": {"hours": HOURS}}),
        ({"when": {"ip_within": "10.0.0.0/8"}}, {"when": {"ip_within": "10.0.0.0/8"}}),
        ({"when": {"entitlement": ["a", "b"]}}, {"when": {"entitlement": "a"}}),
        ({"when": {"labels": {"env": "prod"}}}, {"when": {"labels": {"env": "prod"}}}),
        ({"may": may(target="*")}, {}),
        ({"may": may(topics="*", groups="*")}, {"may": may(topics="orders-eu")}),
        ({"may": may(actions=["Pub", "Sub"])}, {}),
        ({"may": may(accounts="svc")}, {"may": may(accounts="svc")}),
        ({"who": {"anyone": True}}, {}),
        (
            {"terms": {"max_duration": "1d"}},
            {"terms": {"max_duration": "8h", "approvals": {"from": "x"}}},
        ),
    ],
)
def test_a_permit_after_one_that_permits_as_much_is_never_reached(
    first: dict[str, object], second: dict[str, object]
) -> None:
    assert found(rule("first", **first), rule("second", **second)) == [
        "second: : is never reached: rule first already permits all that it permits"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"when": {"ticket": "required"}}, {}),
        ({"when": {"hours": HOURS}}, {}),
        ({"when": {"ip_within": "10.0.0.0/8"}}, {}),
        ({"when": {"entitlement": "a"}}, {}),
        ({"when": {"labels": {"env": "prod"}}}, {}),
        ({"may": may(labels={"env": "prod"})}, {}),
        ({}, {"may": {"labels": {"env": "prod"}, "topics": "orders", "actions": ["Sub"]}}),
        ({"may": may(target="rmq-test")}, {}),
        ({}, {"may": may(topics="*")}),
        ({}, {"may": may(groups="GID_orders")}),
        ({}, {"may": may(actions=["Pub", "Sub"])}),
        ({}, {"may": may(accounts="svc")}),
        ({}, {"who": {"anyone": True}}),
        ({}, {"who": {"groups": ["orders", "payments"]}}),
        ({}, {"who": {"groups": ["orders"], "people": ["cy"]}}),
        ({"terms": {"max_duration": "1h"}}, {}),
        ({"terms": {"max_duration": "8h", "approvals": {"from": "leads"}}}, {}),
    ],
)
def test_a_permit_that_permits_more_is_reached(
    first: dict[str, object], second: dict[str, object]
) -> None:
    assert found(rule("first", **first), rule("second", **second)) == []


def test_a_permit_that_a_deny_takes_away_is_never_reached() -> None:
    assert found(rule(), rule("no", deny=True, may={"topics": "*"})) == [
        "orders: : is never reached: rule no refuses all that it permits"
    ]
    assert found(rule(), rule("no", deny=True, who={"groups": ["payments"]})) == []
    assert found(rule(), rule("freeze", deny=True, may={})) == [
        "orders: : is never reached: rule freeze refuses all that it permits"
    ]


def test_people_who_do_not_exist_are_told() -> None:
    who = {"groups": ["ghosts", "orders"], "people": ["eve", "ana"], "workloads": ["bot"]}
    terms = {"max_duration": "8h", "approvals": {"from": ["ghosts", "bo"], "count": 2}}

    assert found(rule(who=who, terms=terms), world=WORLD) == [
        "orders: who.groups: nobody in the directory is in group ghosts",
        "orders: who: eve is not in the directory",
        "orders: who: bot is not in the directory",
        "orders: terms.approvals.from: nobody in the directory is in or is called ghosts",
        "orders: terms.approvals.count: 2 approvals are needed and only 1 people can give one",
    ]


def test_things_that_do_not_exist_are_told() -> None:
    fields = may(
        target=["rmq-demo", "rmq-x*"],
        topics=["orders", "payments"],
        accounts=["svc_orders", "svc_x*"],
        labels={"zone": "a"},
    )
    when = {"entitlement": ["orders-reader", "reader"], "labels": {"env": ["test", "staging"]}}

    assert found(rule(may=fields, when=when), world=WORLD) == [
        "orders: may.target: rmq-x* matches no target of the catalog",
        "orders: may.accounts: svc_x* matches no standing account of the catalog",
        "orders: when.entitlement: reader is no entitlement of the catalog",
        "orders: may.labels.zone: no target of the catalog has zone: a",
        "orders: when.labels.env: no target of the catalog has env: test or staging",
        "orders: may.topics: payments matches nothing that the catalog's entitlements name",
    ]


def test_resources_of_another_product_are_told() -> None:
    queue = rule("queue", may=may(target="cache-demo", topics="orders"))
    cache = rule("cache", may={"target": "rmq-demo", "cache": True, "actions": ["read"]})

    assert found(queue, cache, world=WORLD) == [
        "queue: may.topics: none of its targets is a message queue",
        "cache: may.cache: none of its targets is a cache",
    ]


def test_a_deny_may_name_what_nobody_can_ask_for_by_name() -> None:
    no = rule("no", deny=True, may={"topics": ["ledger*"]})

    assert found(rule(), no, world=WORLD) == []
