"""Which rule decides, and what is said when none does."""

from datetime import timedelta

import pytest

from keylease.domain.access import Entitlement, StandingAccount
from keylease.domain.decision import Effect
from keylease.domain.people import Principal
from tests.support.build import permission
from tests.support.policies import (
    CACHE,
    MONDAY_NOON,
    RMQ,
    asked,
    decide,
    facts,
    permit_everything,
    policy,
    rule,
)

ON_CALL = rule(
    "orders-on-call",
    who={"groups": ["orders", "payments"]},
    when={
        "ticket": "required",
        "hours": "Mon-Fri 08:00-20:00 Asia/Shanghai",
        "ip_within": ["10.0.0.0/8"],
    },
)
REVIEWED = rule(
    "reviewed", terms={"max_duration": "2h", "approvals": {"from": ["leads"], "count": 1}}
)
STANDING = StandingAccount(target="rmq-demo", username="svc_orders", owner="bo")


def test_a_permit_names_its_rule_with_file_and_line() -> None:
    decision = decide(rule("other", who={"groups": ["x"]}), rule("orders"))

    assert decision.effect is Effect.PERMIT
    assert str(decision.rule) == "orders (policy.yaml:2)"
    assert decision.reasons == ("rule orders permits it",)
    assert decision.decided_at == MONDAY_NOON


def test_a_refusal_says_every_unmet_condition() -> None:
    decision = decide(
        ON_CALL,
        facts=facts(principal=Principal(id="ana")),
        duration=timedelta(hours=9),
        now=MONDAY_NOON + timedelta(days=5),
    )

    assert decision.effect is Effect.DENY
    assert decision.obligations is None
    assert decision.reasons == (
        "you are in none of the groups orders, payments",
        "9h is longer than the 8h that rule orders-on-call allows",
        "a ticket is required; name it in the request",
        "addresses within 10.0.0.0/8 are required; add `from 10.0.0.0/8`",
        "it is Sat 12:00 Asia/Shanghai, outside of Mon-Fri 08:00-20:00 Asia/Shanghai",
    )


def test_a_refusal_names_target_resource_and_action() -> None:
    decision = decide(
        rule(),
        facts=facts(target=RMQ.evolve(id="rmq-test")),
        target="rmq-test",
        permissions=(
            permission("topic:payments", "Pub,Sub"),
            permission("group:GID_orders", "Sub"),
        ),
    )

    assert decision.reasons == (
        "target rmq-test is not rmq-demo",
        "topic payments is not among orders*",
        "Pub on topic payments is not among the actions Sub",
        "group GID_orders is not among the topics of the rule",
    )


def test_the_nearest_rule_is_the_one_with_the_fewest_unmet_conditions() -> None:
    far = rule("far", who={"people": ["cy"]}, when={"ticket": "required"})
    near = rule("near", when={"ticket": "required"})
    as_near = rule("as-near", who={"people": ["cy"]})

    assert str(decide(far, near, as_near).rule) == "near (policy.yaml:2)"


def test_of_rules_as_near_the_one_about_what_is_asked_for_is_nearest() -> None:
    may = {"target": "rmq-demo", "topics": ["payments*"], "actions": ["Sub"]}
    other_topic = rule("payments", may=may)
    no_ticket = rule("orders", when={"ticket": "required"})

    decision = decide(other_topic, no_ticket)

    assert str(decision.rule) == "orders (policy.yaml:2)"
    assert decision.reasons == ("a ticket is required; name it in the request",)


def test_labels_are_compared_and_may_be_missing() -> None:
    staging = rule(may={"labels": {"env": "staging"}, "topics": ["*"], "actions": ["Sub"]})
    unlabelled = facts(target=RMQ.evolve(labels={}))

    assert decide(staging).reasons == ("label env of target rmq-demo is prod, not staging",)
    assert decide(staging, facts=unlabelled).reasons == (
        "label env of target rmq-demo is not set, not staging",
    )


def test_requested_addresses_must_lie_within() -> None:
    wide = (permission("topic:orders", "Sub", "10.0.0.0/7", "10.1.0.0/16"),)
    inside = (permission("topic:orders", "Sub", "10.1.0.0/16", "10.2.3.4"),)
    only_here = rule(when={"ip_within": ["10.0.0.0/8", "192.168.0.0/16"]})

    assert decide(only_here, permissions=inside).effect is Effect.PERMIT
    assert decide(only_here, permissions=wide).reasons == (
        "10.0.0.0/7 is not within 10.0.0.0/8 or 192.168.0.0/16",
    )


def test_a_blank_ticket_is_no_ticket() -> None:
    assert decide(rule(when={"ticket": "required"}), ticket="  ").effect is Effect.DENY


def test_the_obligations_are_those_of_the_deciding_rule() -> None:
    told = rule(
        when={"ticket": "required"},
        terms={
            "max_duration": "2h",
            "approvals": {"from": ["leads", "cy"], "count": 1},
            "tell": "slack:#mq",
        },
    )
    decision = decide(told, rule("later"), ticket="T-1", facts=_leads("bo", "cy"))

    assert decision.effect is Effect.REVIEW
    assert decision.reasons == ("rule orders permits it after 1 approval from cy, leads",)
    assert decision.obligations is not None
    assert decision.obligations.max_duration == timedelta(hours=2)
    assert decision.obligations.approvals == 1
    assert decision.obligations.approvers == frozenset({"leads", "cy"})
    assert decision.obligations.ticket_required
    assert decision.obligations.tell == ("slack:#mq",)


def test_the_first_matching_permit_decides() -> None:
    assert decide(REVIEWED, rule()).effect is Effect.REVIEW
    assert decide(rule(), REVIEWED).effect is Effect.PERMIT


def test_a_deny_beats_every_permit_wherever_it_stands() -> None:
    ledger = rule("ledger", deny=True, because="it is written by its own service only")
    freeze = rule("freeze", deny=True, may={})
    decision = decide(rule(), ledger, freeze)

    assert decision.effect is Effect.DENY
    assert str(decision.rule) == "ledger (policy.yaml:2)"
    assert decision.reasons == (
        "rule ledger refuses it: it is written by its own service only",
        "rule freeze refuses it",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"may": {"actions": ["Pub"]}},
        {"may": {"groups": "*"}},
        {"may": {"target": "rmq-test"}},
        {"may": {"labels": {"env": "test"}}},
        {"who": {"groups": ["payments"]}},
        {"when": {"hours": "daily 20:00-08:00 Asia/Shanghai"}},
        {"when": {"labels": {"zone": "*"}}},
        {"when": {"entitlement": "reader"}},
        {"when": {"ip_within": ["11.0.0.0/8"]}},
    ],
)
def test_a_deny_that_is_about_something_else_does_not_apply(fields: dict[str, object]) -> None:
    allowed = (permission("topic:orders", "Sub", "10.0.0.0/8"),)

    assert decide(rule(), rule("no", deny=True, **fields), permissions=allowed).effect is (
        Effect.PERMIT
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"may": {"actions": ["Sub"]}},
        {"may": {"topics": "orders"}},
        {"may": {"target": "rmq-*"}},
        {"may": {"labels": {"env": "p*"}}},
        {"who": {"groups": ["orders"]}},
        {"who": {"anyone": True}},
        {"when": {"hours": "daily 08:00-20:00 Asia/Shanghai"}},
        {"when": {"ip_within": ["10.1.2.3/32"]}},
    ],
)
def test_a_deny_that_touches_any_part_applies(fields: dict[str, object]) -> None:
    allowed = (permission("topic:orders", "Sub", "10.0.0.0/8"),)
    decision = decide(rule(), rule("no", deny=True, **fields), permissions=allowed)

    assert decision.reasons == ("rule no refuses it",)


def test_a_deny_by_address_applies_to_a_request_from_anywhere() -> None:
    no = rule("no", deny=True, when={"ip_within": ["203.0.113.0/24"]})

    assert decide(rule(), no).effect is Effect.DENY


def test_an_empty_policy_denies() -> None:
    decision = decide()

    assert decision.effect is Effect.DENY
    assert decision.rule is None
    assert decision.reasons == ("the policy has no rule that permits anything",)


def test_a_policy_of_denials_denies_what_they_do_not_name() -> None:
    assert decide(rule("no", deny=True, may={"cache": True})).reasons == (
        "the policy has no rule that permits anything",
    )


@pytest.mark.parametrize("count", [1, 2])
def test_approvals_that_only_the_requester_could_give_are_a_deny(count: int) -> None:
    terms = {"max_duration": "8h", "approvals": {"from": ["leads", "ana"], "count": count}}
    people = {"leads": (Principal(id="ana"),), "ana": (Principal(id="ana"),)}
    decision = decide(rule(terms=terms), facts=facts(members=people))

    wanted = ("1 approval", "it") if count == 1 else ("2 approvals", "them")
    assert decision.reasons == (
        (
            f"rule orders needs {wanted[0]} from leads, ana,"
            f" and besides you nobody could give {wanted[1]}"
        ),
    )


def test_a_workload_among_the_approvers_does_not_count() -> None:
    people = {"leads": (Principal(id="bot", is_workload=True),)}

    assert decide(REVIEWED, facts=facts(members=people)).effect is Effect.DENY


@pytest.mark.parametrize("members", [{}, {"leads": None}])
def test_approvers_that_could_not_be_read_are_a_deny_that_says_so(
    members: dict[str, None],
) -> None:
    decision = decide(REVIEWED, facts=facts(members=members))

    assert decision.reasons == ("who is in leads could not be read, so nobody can approve",)


def test_a_person_in_two_groups_approves_once() -> None:
    terms = {"max_duration": "8h", "approvals": {"from": ["leads", "bo"], "count": 2}}
    people = {"leads": (Principal(id="bo"),), "bo": (Principal(id="bo"),)}

    assert decide(rule(terms=terms), facts=facts(members=people)).effect is Effect.DENY


def test_people_and_workloads_are_not_mixed_up() -> None:
    by_name = rule(who={"people": ["ana"]})
    workload = facts(principal=Principal(id="ana", is_workload=True))

    assert decide(by_name).effect is Effect.PERMIT
    assert decide(by_name, facts=workload).reasons == ("you are not named by rule orders",)
    assert decide(rule(who={"workloads": ["ana"]})).effect is Effect.DENY
    assert decide(rule(who={"workloads": ["ana"]}), facts=workload).effect is Effect.PERMIT


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"requester": "eve"}, "requester 'eve' is not in the directory"),
        ({"target": "rmq-test"}, "target 'rmq-test' is not in the catalog"),
        ({"duration": timedelta(0)}, "the duration is not positive; ask for one such as 2h"),
        ({"duration": -timedelta(hours=1)}, "the duration is not positive; ask for one such as 2h"),
        (
            {"permissions": ()},
            "nothing is asked for; name an entitlement or a resource and its actions",
        ),
        ({"account": "root"}, "'root' is no standing account of target 'rmq-demo'"),
        ({"entitlement": "reader"}, "entitlement 'reader' is not in the catalog"),
    ],
)
def test_a_request_that_contradicts_the_facts_is_denied(
    fields: dict[str, object], reason: str
) -> None:
    decision = permit_everything().decide(asked(**fields), facts=facts(), now=MONDAY_NOON)

    assert decision.effect is Effect.DENY
    assert decision.rule is None
    assert decision.reasons == (reason,)


def test_facts_that_are_missing_are_a_deny_that_says_so() -> None:
    decision = permit_everything().decide(
        asked(), facts=facts(principal=None, target=None), now=MONDAY_NOON
    )

    assert decision.reasons == (
        "requester 'ana' is not in the directory",
        "target 'rmq-demo' is not in the catalog",
    )
    assert decision.facts["principal"] is None


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "orders*",
        "",
        " orders",
        "orders\u200b",
        "ord\u0435rs",
        "orders\n",
        "a/b",
        "a" * 129,
        "?",
    ],
)
def test_a_name_that_is_not_plain_is_denied(name: str) -> None:
    decision = permit_everything().decide(
        asked(permissions=(permission("topic:x", "Sub").evolve(name=name),)),
        facts=facts(),
        now=MONDAY_NOON,
    )

    assert decision.reasons == (
        f"topic {name!r} is no plain name, and patterns cannot be asked for",
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (permission("cache", "read"), "rocketmq target 'rmq-demo' has no cache"),
        (permission("group:g", "Pub"), "Pub is no action of group 'g'"),
        (
            permission("topic:t", "Sub").evolve(actions=frozenset()),
            "no action is asked for on topic 't'",
        ),
        (
            permission("topic:t", "Sub", "10.0.0.300"),
            "'10.0.0.300' is no address block; write it like 10.0.0.0/8",
        ),
    ],
)
def test_a_permission_that_cannot_be_is_denied(wrong: object, reason: str) -> None:
    decision = permit_everything().decide(
        asked(permissions=(wrong,)), facts=facts(), now=MONDAY_NOON
    )

    assert decision.reasons == (reason,)


def test_a_cache_is_asked_for_as_a_whole_and_from_anywhere() -> None:
    named = permission("cache:db0", "read", "10.0.0.0/8")
    decision = permit_everything().decide(
        asked(target="cache-demo", permissions=(named,)), facts=facts(target=CACHE), now=MONDAY_NOON
    )

    assert decision.reasons == (
        "a cache is asked for as a whole, not by the name 'db0'",
        "a cache account cannot be limited to addresses; ask again without them",
    )


def test_a_cache_rule_permits_the_cache() -> None:
    reader = rule(may={"target": "cache-*", "cache": True, "actions": ["read"]})
    known = facts(target=CACHE)
    read, write = permission("cache", "read"), permission("cache", "read,write")

    assert decide(reader, facts=known, target="cache-demo", permissions=(read,)).effect is (
        Effect.PERMIT
    )
    assert decide(reader, facts=known, target="cache-demo", permissions=(write,)).reasons == (
        "write on the cache is not among the actions read",
    )
    assert decide(rule(), facts=known, target="cache-demo", permissions=(read,)).reasons == (
        "target cache-demo is not rmq-demo",
        "the cache is not among the topics of the rule",
        "read on the cache is not among the actions Sub",
    )


def test_an_entitlement_gives_no_more_than_the_catalog_says() -> None:
    bundle = Entitlement(
        id="reader", target="rmq-demo", permissions=(permission("topic:orders", "Sub"),)
    )
    more = (permission("topic:orders", "Pub,Sub"),)

    def said(entitlement: Entitlement, **fields: object) -> tuple[str, ...]:
        known = facts(entitlement=entitlement, standing=STANDING)
        request = asked(entitlement="reader", **fields)
        return permit_everything().decide(request, facts=known, now=MONDAY_NOON).reasons

    assert said(bundle) == ("rule everything permits it",)
    assert said(bundle, permissions=more) == (
        "Pub|Sub on topic orders is no part of entitlement 'reader'",
    )
    other = "entitlement 'reader' is for another target or account"
    assert said(bundle, account="svc_orders") == (other,)
    assert said(bundle.evolve(target="rmq-test")) == (other,)
    assert said(bundle.evolve(id="writer")) == ("entitlement 'reader' is not in the catalog",)


def test_a_rule_for_an_entitlement_refuses_others() -> None:
    only = rule(when={"entitlement": ["reader", "writer"]})

    assert decide(only).reasons == (
        "the rule is only for entitlement reader or writer; ask for it by name",
    )


def test_access_for_a_standing_account_goes_to_its_owner() -> None:
    mine = facts(standing=STANDING.evolve(owner="ana"))

    assert decide(rule(), facts=mine, account="svc_orders").effect is Effect.PERMIT
    assert decide(rule(), facts=facts(standing=STANDING), account="svc_orders").reasons == (
        "you do not own standing account svc_orders and rule orders does not name it",
    )


def test_a_rule_may_name_standing_accounts() -> None:
    may = {"target": "rmq-demo", "topics": "*", "actions": ["Sub"], "accounts": "svc_*"}
    known = facts(standing=STANDING)

    assert decide(rule(may=may), facts=known, account="svc_orders").effect is Effect.PERMIT


def test_a_rule_for_an_entitlement_covers_its_standing_account() -> None:
    bundle = Entitlement(
        id="feed", target="rmq-demo", permissions=asked().permissions, account="svc_orders"
    )
    known = facts(standing=STANDING, entitlement=bundle)
    only = rule(when={"entitlement": "feed"})

    assert decide(only, facts=known, account="svc_orders", entitlement="feed").effect is (
        Effect.PERMIT
    )
    assert decide(rule(), facts=known, account="svc_orders", entitlement="feed").effect is (
        Effect.DENY
    )


def test_the_digest_is_of_what_the_rules_say() -> None:
    assert policy(rule()).digest == policy(rule()).digest
    assert policy(rule()).digest != policy(rule(because="x")).digest
    assert policy(rule("a"), rule("b")).digest != policy(rule("b"), rule("a")).digest
    assert len(policy().digest) == 64


def test_every_group_that_may_approve_is_known_beforehand() -> None:
    more = rule("more", terms={"max_duration": "1h", "approvals": {"from": ["cy"]}})

    assert policy(rule(), REVIEWED, more).approver_groups == frozenset({"leads", "cy"})


def test_a_judgement_names_the_rule_without_words() -> None:
    judged = policy(rule(), rule("no", deny=True)).judge(asked(), facts=facts(), now=MONDAY_NOON)
    permitted = policy(rule()).judge(asked(), facts=facts(), now=MONDAY_NOON)
    refused = policy().judge(asked(), facts=facts(), now=MONDAY_NOON)

    assert (judged.effect, judged.rule) == (Effect.DENY, "no")
    assert (permitted.effect, permitted.rule) == (Effect.PERMIT, "orders")
    assert (refused.effect, refused.rule) == (Effect.DENY, None)


def _leads(*people: str) -> object:
    members = {"leads": tuple(map(_person, people)), "cy": (_person("cy"),)}
    return facts(members=members)


def _person(id_: str) -> Principal:
    return Principal(id=id_)
