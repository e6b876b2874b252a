"""The same rules and requests, decided by Cedar: same answers, same deciding rules."""

import os

import pytest

from keylease.domain.decision import Effect
from tests.policy.cedar import answer, translate
from tests.policy.generate import Dice, rules, situation
from tests.support.policies import policy

CHUNKS = 400 if os.getenv("KEYLEASE_LONG") else 10
ROUNDS_PER_CHUNK = 30
REQUESTS_PER_ROUND = 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_cedar_gives_the_same_answer(chunk: int) -> None:
    dice, permits = Dice(f"cedar-{chunk}"), 0

    for _ in range(ROUNDS_PER_CHUNK):
        written = rules(dice)
        ours, theirs = policy(*written), translate(written)
        for _ in range(REQUESTS_PER_ROUND):
            case = situation(dice, fitting=written)
            expected = answer(theirs, asked=case.asked, facts=case.facts, now=case.now)
            decision = ours.decide(case.asked, facts=case.facts, now=case.now)

            assert (decision.effect is not Effect.DENY) == expected.is_permitted, case
            if expected.rules:
                assert decision.rule is not None
                assert decision.rule.name == written[min(expected.rules)].name, case
            permits += expected.is_permitted
    # Cases that are nearly all refused would prove little.
    assert permits > ROUNDS_PER_CHUNK * REQUESTS_PER_ROUND // 10
