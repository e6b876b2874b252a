"""Decides a request: deny beats permit, no match is a deny, and every answer says why.

The first permit in file order whose conditions all hold is the deciding rule, and its terms are
the obligations; other permits that match change nothing, so that a reader of the file can tell
the answer without merging in the head.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple, Self

from keylease.domain.decision import Decision, Effect, Obligations, RuleRef
from keylease.domain.request import Asked
from keylease.policy.conditions import conditions_of, scope_of
from keylease.policy.denials import applies_of
from keylease.policy.facts import Facts, Scene
from keylease.policy.flaws import find_flaws
from keylease.policy.index import Index
from keylease.policy.model import CompiledPolicy, PlacedRule, Rule

__all__ = ["Facts", "Judgement", "Policy"]


_DENY: Final = Effect.DENY


class _Permit:
    """A permit, ready to be asked."""

    __slots__ = ("checks", "conditions", "effect", "obligations", "placed", "reasons", "scope")

    def __init__(self, placed: PlacedRule, /) -> None:
        self.placed = placed
        self.conditions = conditions_of(placed.rule)
        self.checks = tuple(condition.missing for condition in self.conditions)
        self.scope = tuple(condition.missing for condition in scope_of(placed.rule.may))
        self.obligations = _obligations(placed.rule)
        self.effect = Effect.REVIEW if self.obligations.approvals else Effect.PERMIT
        self.reasons = (_permits(placed.rule.name, duties=self.obligations),)

    def holds(self, scene: Scene, /) -> bool:
        for check in self.checks:  # noqa: SIM110  # a loop takes half the time of any()
            if check(scene):
                return False
        return True

    def misfit(self, scene: Scene, /) -> int:
        """How much of what is asked for the rule is not about."""
        return sum(check(scene) for check in self.scope)

    def unmet(self, scene: Scene, /) -> tuple[str, ...]:
        return tuple(words for condition in self.conditions for words in condition.words(scene))


class _Denial:
    """A deny rule, ready to be asked."""

    __slots__ = ("placed", "reason", "tests")

    def __init__(self, placed: PlacedRule, /) -> None:
        self.placed = placed
        self.tests = applies_of(placed.rule)
        rule = placed.rule
        self.reason = f"rule {rule.name} refuses it" + (f": {rule.because}" if rule.because else "")

    def applies(self, scene: Scene, /) -> bool:
        return all(test(scene) for test in self.tests)


class Judgement(NamedTuple):
    """A decision before it is put into words."""

    effect: Effect
    permit: _Permit | None = None
    denials: tuple[_Denial, ...] = ()
    flaws: tuple[str, ...] = ()
    scene: Scene | None = None

    @property
    def rule(self) -> str | None:
        """Name of the deciding rule."""
        if self.denials:
            return self.denials[0].placed.rule.name
        return self.permit.placed.rule.name if self.permit else None


class Policy:
    """All rules in force. Immutable; `decide` depends on nothing but its arguments."""

    __slots__ = (
        "_denials",
        "_denials_index",
        "_permits",
        "_permits_index",
        "digest",
        "rules",
    )

    def __init__(self, rules: Iterable[PlacedRule] = (), /) -> None:
        self.rules = tuple(rules)
        self.digest = _digest(self.rules)
        permits = [placed for placed in self.rules if not placed.rule.deny]
        denials = [placed for placed in self.rules if placed.rule.deny]
        self._permits = tuple(map(_Permit, permits))
        self._denials = tuple(map(_Denial, denials))
        self._permits_index = Index(enumerate(placed.rule for placed in permits))
        self._denials_index = Index(enumerate(placed.rule for placed in denials))

    @classmethod
    def from_json(cls, text: str | bytes, /) -> Self:
        """A policy that `to_json` wrote; pydantic's ValidationError when it is none."""
        return cls(CompiledPolicy.model_validate_json(text).rules)

    def to_json(self) -> str:
        """The rules with their places in their files, to be loaded without YAML."""
        return CompiledPolicy(keylease_policy=1, rules=self.rules).model_dump_json(
            by_alias=True, exclude_defaults=True
        )

    @property
    def approver_groups(self) -> frozenset[str]:
        """Every group or principal that some rule asks for approval: `Facts.members` names all."""
        return frozenset(
            group for permit in self._permits for group in permit.obligations.approvers
        )

    def judge(self, asked: Asked, /, *, facts: Facts, now: datetime) -> Judgement:
        """The effect and the rule, without words."""
        flaws = find_flaws(asked, facts=facts)
        if flaws or facts.principal is None or facts.target is None:
            return Judgement(_DENY, flaws=flaws)
        scene = Scene(asked, facts.principal, facts.target, facts, now)
        if denials := self._denying(scene):
            return Judgement(_DENY, denials=denials, scene=scene)
        permission = asked.permissions[0]
        action = next(iter(permission.actions))
        for number in self._permits_index.around(permission, action=action, target=asked.target):
            permit = self._permits[number]
            if permit.holds(scene):
                return Judgement(permit.effect, permit=permit, scene=scene)
        return Judgement(_DENY, scene=scene)

    def decide(self, asked: Asked, /, *, facts: Facts, now: datetime) -> Decision:
        """The answer, with its rule, its reasons, its obligations and what it depended on."""
        judged = self.judge(asked, facts=facts, now=now)
        rule, reasons = self._words(judged)
        return Decision(
            effect=judged.effect,
            rule=rule,
            reasons=reasons,
            obligations=judged.permit.obligations if judged.permit else None,
            policy_digest=self.digest,
            facts=facts.recorded(),
            decided_at=now,
        )

    def _denying(self, scene: Scene) -> tuple[_Denial, ...]:
        if not self._denials:
            return ()
        index, target = self._denials_index, scene.asked.target
        numbers: list[int] = []
        for permission in scene.asked.permissions:
            for action in permission.actions:
                numbers += index.around(permission, action=action, target=target)
        if not numbers:
            return ()
        candidates = (self._denials[number] for number in sorted(set(numbers)))
        return tuple(denial for denial in candidates if denial.applies(scene))

    def _words(self, judged: Judgement) -> tuple[RuleRef | None, tuple[str, ...]]:
        if judged.permit is not None:
            return judged.permit.placed.ref, judged.permit.reasons
        if judged.denials:
            return judged.denials[0].placed.ref, tuple(d.reason for d in judged.denials)
        if judged.scene is None:
            return None, judged.flaws
        nearest = self._nearest(judged.scene)
        if nearest is None:
            return None, ("the policy has no rule that permits anything",)
        return nearest.placed.ref, nearest.unmet(judged.scene)

    def _nearest(self, scene: Scene) -> _Permit | None:
        """The permit with the fewest unmet conditions.

        Of several the one that is most about what is asked for, then the first in file order.
        """
        nearest, fewest, misfit = None, sys.maxsize, 0
        for permit in self._permits:
            count = 0
            for check in permit.checks:
                count += check(scene)
                if count > fewest:
                    break
            else:
                away = permit.misfit(scene)
                if (count, away) < (fewest, misfit):
                    nearest, fewest, misfit = permit, count, away
                if fewest == 1 and not misfit:  # no rule that does not match is nearer
                    break
        return nearest


def _obligations(rule: Rule) -> Obligations:
    approvals = rule.granted.approvals
    return Obligations(
        max_duration=rule.granted.max_duration,
        approvals=approvals.count if approvals else 0,
        approvers=frozenset(approvals.approvers if approvals else ()),
        ticket_required=rule.when.ticket is not None,
        tell=rule.granted.tell,
    )


def _permits(name: str, *, duties: Obligations) -> str:
    if not duties.approvals:
        return f"rule {name} permits it"
    count = "1 approval" if duties.approvals == 1 else f"{duties.approvals} approvals"
    return f"rule {name} permits it after {count} from {', '.join(sorted(duties.approvers))}"


def _digest(rules: tuple[PlacedRule, ...]) -> str:
    """Over what the rules say, not over where they stand."""
    said = [
        placed.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for placed in rules
    ]
    words = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()
