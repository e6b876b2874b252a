"""What holds for all rules and requests."""

import os
from collections.abc import Iterator

import pytest

from keylease.domain.decision import Effect
from keylease.policy.conditions import words_of
from keylease.policy.evaluate import Policy
from keylease.policy.facts import Facts, Scene
from keylease.policy.model import Rule
from keylease.policy.table import Table
from tests.policy.generate import Dice, Situation, denial, permit, rules, situation
from tests.policy.oracle import misfit, unmet
from tests.support.policies import policy

SEEDS = range(400 if os.getenv("KEYLEASE_LONG") else 8)
ROUNDS = 25
REQUESTS = 4


def _cases(seed: int) -> Iterator[tuple[Dice, list[Rule], Situation]]:
    dice = Dice(f"property-{seed}")
    for _ in range(ROUNDS):
        written = rules(dice)
        for _ in range(REQUESTS):
            yield dice, written, situation(dice, fitting=written)


def _effect(written: list[Rule], case: Situation) -> Effect:
    return policy(*written).judge(case.asked, facts=case.facts, now=case.now).effect


@pytest.mark.parametrize("seed", SEEDS)
def test_a_refusal_lists_every_unmet_condition_of_the_nearest_rule(seed: int) -> None:
    for _, written, case in _cases(seed):
        decision = policy(*written).decide(case.asked, facts=case.facts, now=case.now)
        distances = {one.name: unmet(one, case=case) for one in written if not one.deny}
        if decision.effect is not Effect.DENY:
            assert decision.rule is not None
            assert decision.rule.name == next(name for name, n in distances.items() if n == 0)
        elif decision.reasons == ("the policy has no rule that permits anything",):
            assert distances == {}
        elif not any("refuses it" in reason for reason in decision.reasons):
            assert decision.rule is not None
            fits = {one.name: misfit(one, case=case) for one in written if not one.deny}
            assert decision.rule.name == min(distances, key=lambda n: (distances[n], fits[n]))
            assert len(set(decision.reasons)) == distances[decision.rule.name]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_permit_matches_if_and_only_if_nothing_can_be_said_against_it(seed: int) -> None:
    for _, written, case in _cases(seed):
        scene = Scene.of(case.asked, facts=case.facts, now=case.now)
        for one in written:
            if not one.deny:
                unmet = [said for words in words_of(one) for said in words(scene)]
                matching = Table([one]).matching(
                    case.asked, principal=scene.principal, facts=case.facts, now=case.now
                )
                assert bool(matching) is (not unmet)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_deny_rule_never_gives_more(seed: int) -> None:
    for dice, written, case in _cases(seed):
        place = dice.randint(0, len(written))
        more = [*written[:place], denial(dice, name="more"), *written[place:]]

        assert _effect(more, case) in (_effect(written, case), Effect.DENY)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_permit_less_never_turns_a_deny_around(seed: int) -> None:
    for dice, written, case in _cases(seed):
        extra = permit(dice, name="extra")
        place = dice.randint(0, len(written))
        with_it = _effect([*written[:place], extra, *written[place:]], case)

        if with_it is Effect.DENY:
            assert _effect(written, case) is Effect.DENY


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_is_replayed_from_what_it_kept(seed: int) -> None:
    for _, written, case in _cases(seed):
        compiled = Policy.from_json(policy(*written).to_json())
        first = policy(*written).decide(case.asked, facts=case.facts, now=case.now)
        kept = type(first).model_validate_json(first.model_dump_json())
        again = compiled.decide(case.asked, facts=Facts.of_record(kept.facts), now=kept.decided_at)

        assert again.policy_digest == first.policy_digest
        assert (again.effect, again.rule, again.reasons) == (
            first.effect,
            first.rule,
            first.reasons,
        )
        assert again.facts == first.facts
