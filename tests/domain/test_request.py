"""A request: its digest, its states, and what else is decided about."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from keylease.domain.credential import Claim, CredentialStatus, credential_id
from keylease.domain.decision import Decision, Effect, RuleRef
from keylease.domain.post import post_id
from keylease.domain.record import GRACE
from keylease.domain.request import Request, RequestStatus
from keylease.domain.rotation import Rotation, RotationStep
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    PutRow,
    Step,
)
from tests.support.build import (
    HOUR,
    NOW,
    READ,
    SUB_ORDERS,
    asked,
    credential,
    permission,
    request,
)

WIDE = permission("topic:orders", "Pub,Sub", "10.0.0.0/8", "192.168.0.0/16", "fd00::/8")
DECISION = Decision(
    effect=Effect.REVIEW,
    rule=RuleRef(name="orders-on-call", file="policy.yaml", line=3),
    reasons=("ana is in orders",),
    policy_digest="p1",
    decided_at=NOW,
)
SCRIPT = """
from tests.domain.test_request import WIDE
from tests.support.build import request
print(request("req-1", WIDE).digest)
"""


def test_the_digest_is_the_same_in_every_process() -> None:
    """Sets have another order under another hash seed."""
    root = Path(__file__).parents[2]

    def digest_under(seed: str) -> str:
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'shared'}:{root}"}
        done = subprocess.run(  # our own interpreter
            [sys.executable, "-c", SCRIPT], env=env, cwd=root, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    assert {digest_under("1"), digest_under("2"), digest_under("3")} == {
        request("req-1", WIDE).digest
    }


def test_the_digest_survives_storage() -> None:
    stored = Request.model_validate_json(request("req-1", WIDE).model_dump_json())

    assert stored.digest == request("req-1", WIDE).digest


@pytest.mark.parametrize(
    "other",
    [
        request("req-2", WIDE),
        request("req-1", SUB_ORDERS),
        request("req-1", WIDE, SUB_ORDERS),
        request(asked=asked(WIDE, duration=2 * HOUR)),
        request(asked=asked(WIDE, reason="something else")),
        request(asked=asked(WIDE, requester="ben")),
        request(asked=asked(WIDE, target="rmq-prod")),
        request(asked=asked(WIDE, ticket="INC-1")),
        request(asked=asked(WIDE, account="billing")),
    ],
)
def test_other_words_have_another_digest(other: Request) -> None:
    assert other.digest != request("req-1", WIDE).digest


def test_reviews_are_bound_to_the_policy_that_asked_for_them() -> None:
    plain = request("req-1")
    decided = plain.evolve(decision=DECISION)
    later = plain.evolve(decision=DECISION.evolve(policy_digest="p2"))

    assert len({plain.digest, decided.digest, later.digest}) == 3


def test_progress_does_not_change_the_digest() -> None:
    before = request("req-1").evolve(decision=DECISION)

    after = before.settle(RequestStatus.APPROVED, now=NOW).evolve(version=7, lease_id="lease-1")

    assert after.digest == before.digest


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (RequestStatus.SUBMITTED, NOW + GRACE),
        (RequestStatus.IN_REVIEW, NOW + 24 * HOUR),
        (RequestStatus.APPROVED, None),
        (RequestStatus.DENIED, None),
        (RequestStatus.CANCELLED, None),
        (RequestStatus.LAPSED, None),
    ],
)
def test_sweep_looks_at_open_requests_only(status: RequestStatus, expected: object) -> None:
    one = request(status=status)

    assert one.sweep_at == expected
    assert one.is_open is (expected is not None)
    assert one.parent == "ana"


def test_an_undecided_request_lapses_even_within_the_grace() -> None:
    assert request(answer_by=NOW + timedelta(seconds=1)).sweep_at == NOW + timedelta(seconds=1)


def test_a_settled_request_says_when_and_why() -> None:
    denied = request().settle(RequestStatus.DENIED, now=NOW, because=("no match",))

    assert (denied.status, denied.settled_at) == (RequestStatus.DENIED, NOW)
    assert denied.settled_because == ("no match",)


def test_a_rule_says_where_it_stands() -> None:
    assert str(DECISION.rule) == "orders-on-call (policy.yaml:3)"


def test_a_credential_is_found_by_the_hash_of_its_claim() -> None:
    claim = Claim(token_hash="ab", issued_at=NOW, claim_by=NOW + HOUR)

    assert credential(claim=claim).handle == "ab"
    assert credential().handle is None
    assert credential().parent == "rmq-demo/kl1"
    assert credential_id(account_id="rmq-demo/kl1", number=3) == "rmq-demo/kl1#3"


def test_a_retired_credential_is_scrubbed() -> None:
    retired = credential().retired()

    assert (retired.status, retired.sealed) == (CredentialStatus.RETIRED, None)
    assert credential().is_open
    assert not retired.is_open


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, NOW),
        ({"retry_at": NOW + HOUR}, NOW + HOUR),
        ({"step": RotationStep.TEST}, NOW),
        ({"step": RotationStep.DONE}, None),
        ({"step": RotationStep.FAILED, "retry_at": NOW}, None),
    ],
)
def test_sweep_drives_a_rotation_until_it_is_over(
    fields: dict[str, object], expected: object
) -> None:
    rotation = Rotation.model_validate(
        {"id": "rotation-1", "account_id": "rmq-demo/billing", "started_at": NOW, **fields}
    )

    assert rotation.sweep_at == expected
    assert rotation.is_open is (expected is not None)
    assert rotation.parent == "rmq-demo/billing"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (CreateAccount(username="kl1", permission=READ), "create account kl1"),
        (PutRow(username="kl1", permission=SUB_ORDERS, exists=True), "put Sub on topic orders"),
        (DropRow(username="kl1", permission=SUB_ORDERS), "drop topic orders"),
        (Enable(username="kl1"), "enable account kl1"),
        (Disable(username="kl1"), "disable account kl1"),
        (DropAccount(username="kl1"), "drop account kl1"),
    ],
)
def test_steps_read_as_words(step: Step, words: str) -> None:
    assert str(step) == words


def test_a_post_is_found_by_what_was_said_and_where() -> None:
    assert post_id(said="req-1/review", address="slack:#ops") == "req-1/review|slack:#ops"
