"""A policy's own cases are run and their failures told."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from keylease.policy.cases import Case, failures
from tests.policy.test_explain import WORLD
from tests.support.policies import permit_everything, policy, rule


def case(expect: dict[str, Any], **ask: Any) -> Case:
    asked = {"who": "ana", "entitlement": "orders-reader", "for": "1h"} | ask
    made = {"name": "it", "at": "2026-11-23T12:00:00+08:00", "ask": asked, "expect": expect}
    return Case.model_validate_json(json.dumps(made))


def test_a_case_that_holds_has_no_failure() -> None:
    one = case({"effect": "permit", "rule": "orders", "unmet": 1, "reasons": ["permits it"]})

    assert failures(one, policy=policy(rule()), world=WORLD) == ()


def test_every_difference_is_a_failure() -> None:
    one = case({"effect": "review", "rule": "other", "reasons": ["because"], "unmet": 2})

    assert failures(one, policy=policy(rule()), world=WORLD) == (
        "expected review, got permit: rule orders permits it",
        "expected rule other, got orders: rule orders permits it",
        "expected a reason with 'because', got: rule orders permits it",
        "expected 2 reasons, got 1: rule orders permits it",
    )


def test_an_expected_rule_may_be_missing() -> None:
    one = case({"effect": "deny", "rule": "orders"})

    assert failures(one, policy=policy(), world=WORLD) == (
        "expected rule orders, got none: the policy has no rule that permits anything",
    )


@pytest.mark.parametrize(
    ("permissions", "target"),
    [
        ([{"topic": "t", "actions": ["Pub"]}, {"group": "g", "actions": ["Sub"]}], "rmq-demo"),
        ([{"cache": True, "actions": ["read", "write"]}], "cache-demo"),
    ],
)
def test_permissions_are_asked_for_without_an_entitlement(
    permissions: list[dict[str, Any]], target: str
) -> None:
    one = case({"effect": "permit"}, entitlement=None, target=target, permissions=permissions)

    assert failures(one, policy=permit_everything(), world=WORLD) == ()


def test_addresses_are_asked_for_with_an_entitlement() -> None:
    here = policy(rule(when={"ip_within": "10.0.0.0/8"}))
    inside = case({"effect": "permit"}, **{"from": "10.1.0.0/16"})
    outside = case({"effect": "deny"}, **{"from": ["11.0.0.0/8"]})

    assert failures(inside, policy=here, world=WORLD) == ()
    assert failures(outside, policy=here, world=WORLD) == ()


def test_an_unknown_entitlement_is_denied() -> None:
    one = case({"effect": "deny", "reasons": ["nothing is asked for"]}, entitlement="ghost")

    assert failures(one, policy=permit_everything(), world=WORLD) == ()


@pytest.mark.parametrize("at", ['"2026-11-23T12:00:00"', '"noon"', "5"])
def test_an_instant_needs_a_time_zone(at: str) -> None:
    made = json.loads(case({"effect": "deny"}).model_dump_json(by_alias=True)) | {
        "at": json.loads(at)
    }

    with pytest.raises(ValidationError, match="at"):
        Case.model_validate_json(json.dumps(made))
