"""An explanation names the rule, its place and every unmet condition."""

from datetime import timedelta

from keylease.domain.access import Entitlement, StandingAccount
from keylease.domain.people import Principal
from keylease.policy.explain import could_get, explain
from keylease.policy.world import World
from tests.support.build import permission
from tests.support.policies import CACHE, MONDAY_NOON, RMQ, asked, decide, policy, rule

ANA = Principal(id="ana", groups=frozenset({"orders"}))
WORLD = World(
    targets={"rmq-demo": RMQ, "cache-demo": CACHE},
    entitlements={
        "orders-reader": Entitlement(
            id="orders-reader", target="rmq-demo", permissions=(permission("topic:orders", "Sub"),)
        ),
        "orders-office": Entitlement(
            id="orders-office",
            target="rmq-demo",
            permissions=(permission("topic:orders-office", "Sub", "10.9.0.0/16"),),
        ),
        "cache-reader": Entitlement(
            id="cache-reader", target="cache-demo", permissions=(permission("cache", "read"),)
        ),
    },
    standing=(StandingAccount(target="rmq-demo", username="svc_orders", owner="ana"),),
    principals={"ana": ANA, "bo": Principal(id="bo", groups=frozenset({"leads"}))},
)


def test_a_permit_is_explained_with_its_terms() -> None:
    terms = {
        "max_duration": "8h",
        "approvals": {"from": ["leads"]},
        "tell": ["slack:#a", "slack:#b"],
    }
    decision = decide(rule(when={"ticket": "required"}, terms=terms), ticket="T")

    assert explain(decision).splitlines() == [
        "answer: permit after review",
        "rule: orders (policy.yaml:1)",
        "because: rule orders permits it after 1 approval from leads",
        "terms: for at most 8h",
        "terms: approved by 1 of leads",
        "terms: with a ticket",
        "terms: slack:#a, slack:#b is told",
        f"policy: {decision.policy_digest[:12]} at 2026-11-23T04:00:00+00:00",
    ]


def test_a_refusal_is_explained_with_every_reason() -> None:
    decision = decide(rule(when={"ticket": "required"}), duration=timedelta(hours=9))

    assert explain(decision).splitlines()[:4] == [
        "answer: deny",
        "nearest or refusing rule: orders (policy.yaml:1)",
        "because: 9h is longer than the 8h that rule orders allows",
        "because: a ticket is required; name it in the request",
    ]


def test_a_refusal_without_a_rule_is_explained() -> None:
    assert explain(decide()).splitlines()[:2] == [
        "answer: deny",
        "because: the policy has no rule that permits anything",
    ]


def test_the_world_knows_the_facts_of_a_request() -> None:
    rules = policy(rule(terms={"max_duration": "8h", "approvals": {"from": ["leads", "bo"]}}))
    facts = WORLD.facts(asked(account="svc_orders", entitlement="orders-reader"), policy=rules)

    assert facts.principal == ANA
    assert facts.target == RMQ
    assert facts.standing == WORLD.standing[0]
    assert facts.entitlement == WORLD.entitlements["orders-reader"]
    assert facts.members == {
        "leads": (WORLD.principals["bo"],),
        "bo": (WORLD.principals["bo"],),
    }


def test_the_world_does_not_know_what_is_not_there() -> None:
    facts = World().facts(asked(account="svc_orders"), policy=policy(rule()))

    assert (facts.principal, facts.target, facts.standing, facts.entitlement) == (None,) * 4


def test_what_somebody_could_get_comes_with_its_terms() -> None:
    rules = policy(
        rule("not-mine", who={"groups": ["payments"]}),
        rule(
            "mine",
            when={"ticket": "required", "ip_within": ["10.0.0.0/8", "192.168.0.0/16"]},
            terms={"max_duration": "2h", "approvals": {"from": ["leads"]}},
        ),
        rule("no", deny=True, may={"topics": "ledger"}),
    )

    offers = could_get(rules, principal=ANA, world=WORLD, now=MONDAY_NOON)

    assert [str(offer) for offer in offers] == [
        (
            "orders-office: for at most 2h, approved by 1 of leads, with a ticket,"
            " from within 10.0.0.0/8 or 192.168.0.0/16 (rule mine (policy.yaml:2))"
        ),
        (
            "orders-reader: for at most 2h, approved by 1 of leads, with a ticket,"
            " from within 10.0.0.0/8 or 192.168.0.0/16 (rule mine (policy.yaml:2))"
        ),
    ]


def test_what_is_open_at_other_hours_only_says_so() -> None:
    night = rule("night", when={"hours": "Sat 22:00-06:00 Asia/Shanghai"})

    offers = could_get(policy(night), principal=ANA, world=WORLD, now=MONDAY_NOON)

    assert [offer.is_open_now for offer in offers] == [False, False]
    assert str(offers[0]) == (
        "orders-office: for at most 8h, not at this hour (rule night (policy.yaml:1))"
    )


def test_what_a_deny_refuses_is_not_offered() -> None:
    rules = policy(rule(), rule("no", deny=True))

    assert could_get(rules, principal=ANA, world=WORLD, now=MONDAY_NOON) == ()


def test_hours_that_never_come_are_not_offered() -> None:
    # Two minutes a week lie between the quarters of an hour that are tried.
    never = rule("never", when={"hours": "Sat 22:01-22:03 Asia/Shanghai"})

    assert could_get(policy(never), principal=ANA, world=WORLD, now=MONDAY_NOON) == ()
