"""Decides a request: deny beats permit, no match is a deny, and every answer says why.

The first permit in file order whose conditions all hold is the deciding rule, and its terms are
the obligations; other permits that match change nothing, so that a reader of the file can tell
the answer without merging in the head.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple, Self

from keylease.domain.decision import Decision, Effect, Obligations, RuleRef
from keylease.domain.request import Asked
from keylease.policy.bits import each
from keylease.policy.conditions import Words, words_of
from keylease.policy.facts import Facts, Scene
from keylease.policy.flaws import find_flaws
from keylease.policy.model import CompiledPolicy, PlacedRule, Rule
from keylease.policy.table import Table

__all__ = ["Facts", "Judgement", "Policy"]


class Judgement(NamedTuple):
    """A decision without what it depended on."""

    effect: Effect
    ref: RuleRef | None = None
    """The deciding rule."""
    reasons: tuple[str, ...] = ()
    """None when no rule matches: which is nearest, and why, is looked for by `decide`."""
    obligations: Obligations | None = None

    @property
    def rule(self) -> str | None:
        """Name of the deciding rule."""
        return self.ref.name if self.ref else None


_DENY: Final = Effect.DENY
_NO_MATCH: Final = Judgement(_DENY)
_NO_PERMIT: Final = Judgement(_DENY, reasons=("the policy has no rule that permits anything",))


class Policy:
    """All rules in force; `decide` depends on nothing but its arguments."""

    __slots__ = ("_judgements", "_placed", "_table", "_words", "digest", "rules")

    def __init__(self, rules: Iterable[PlacedRule] = (), /) -> None:
        self.rules = tuple(rules)
        self.digest = _digest(self.rules)
        ordered = sorted(self.rules, key=lambda placed: not placed.rule.deny)
        self._placed = {1 << number: placed for number, placed in enumerate(ordered)}
        self._judgements = {bit: _judgement(placed) for bit, placed in self._placed.items()}
        self._table = Table(placed.rule for placed in ordered)
        self._words: dict[int, tuple[Words, ...]] = {}

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
        duties = (judgement.obligations for judgement in self._judgements.values())
        return frozenset(group for duty in duties if duty for group in duty.approvers)

    def judge(self, asked: Asked, /, *, facts: Facts, now: datetime) -> Judgement:
        """The effect and the rule, without a search for the nearest one."""
        principal, target = facts.principal, facts.target
        flaws = find_flaws(asked, principal=principal, target=target, facts=facts)
        if flaws or principal is None:
            return Judgement(_DENY, reasons=flaws)
        matching = self._table.matching(asked, principal=principal, facts=facts, now=now)
        if not matching:
            return _NO_MATCH
        judged = self._judgements[matching & -matching]  # of the lowest bit
        return self._refused(matching) if judged.effect is _DENY else judged

    def decide(self, asked: Asked, /, *, facts: Facts, now: datetime) -> Decision:
        """The answer, with its rule, its reasons, its obligations and what it depended on."""
        judged = self.judge(asked, facts=facts, now=now)
        if judged is _NO_MATCH:
            judged = self._nearest(Scene.of(asked, facts=facts, now=now))
        return Decision(
            effect=judged.effect,
            rule=judged.ref,
            reasons=judged.reasons,
            obligations=judged.obligations,
            policy_digest=self.digest,
            facts=facts.recorded(),
            decided_at=now,
        )

    def _refused(self, matching: int) -> Judgement:
        """By the first deny that applies, with the reasons of all."""
        all_ = [self._judgements[bit] for bit in each(matching)]
        reasons = (reason for one in all_ if one.effect is _DENY for reason in one.reasons)
        return all_[0]._replace(reasons=tuple(reasons))

    def _nearest(self, scene: Scene) -> Judgement:
        """Refused for want of a permit, with every unmet condition of the nearest one."""
        bit = self._table.nearest(scene)
        if not bit:
            return _NO_PERMIT
        placed = self._placed[bit]
        if bit not in self._words:
            self._words[bit] = words_of(placed.rule)
        unmet: list[str] = []
        for words in self._words[bit]:
            unmet += words(scene)
        return Judgement(_DENY, placed.ref, tuple(unmet))


def _judgement(placed: PlacedRule) -> Judgement:
    """What is answered when a rule decides."""
    rule = placed.rule
    if rule.deny:
        because = f": {rule.because}" if rule.because else ""
        return Judgement(_DENY, placed.ref, (f"rule {rule.name} refuses it{because}",))
    duties = _obligations(rule)
    effect = Effect.REVIEW if duties.approvals else Effect.PERMIT
    return Judgement(effect, placed.ref, (_permits(rule.name, duties=duties),), duties)


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
