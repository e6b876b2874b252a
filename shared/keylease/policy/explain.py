"""A decision in words, and what somebody could get."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from keylease.domain.access import Entitlement, Permission
from keylease.domain.decision import Decision, Effect, Obligations, RuleRef
from keylease.domain.duration import format_duration
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.evaluate import Policy
from keylease.policy.hours import read_window
from keylease.policy.model import PlacedRule
from keylease.policy.world import World

_QUARTER = timedelta(minutes=15)
_QUARTERS_OF_A_WEEK = 7 * 24 * 4
_ANSWERS = {
    Effect.PERMIT: "permit",
    Effect.REVIEW: "permit after review",
    Effect.DENY: "deny",
}


def explain(decision: Decision, /) -> str:
    """Answer, rule, reasons and duties, one thing per line."""
    lines = [f"answer: {_ANSWERS[decision.effect]}"]
    if decision.rule is not None:
        is_near = decision.effect is Effect.DENY
        lines.append(f"{'nearest or refusing rule' if is_near else 'rule'}: {decision.rule}")
    lines += [f"because: {reason}" for reason in decision.reasons]
    if decision.obligations is not None:
        lines += [f"terms: {duty}" for duty in duties(decision.obligations)]
    lines.append(f"policy: {decision.policy_digest[:12]} at {decision.decided_at.isoformat()}")
    return "\n".join(lines)


def duties(obligations: Obligations, /) -> tuple[str, ...]:
    """What comes with a permit, in words."""
    return tuple(_duties(obligations))


def _duties(obligations: Obligations) -> Iterator[str]:
    yield f"for at most {format_duration(obligations.max_duration)}"
    if obligations.approvals:
        people = ", ".join(sorted(obligations.approvers))
        yield f"approved by {obligations.approvals} of {people}"
    if obligations.ticket_required:
        yield "with a ticket"
    if obligations.tell:
        yield f"{', '.join(obligations.tell)} is told"


@dataclass(frozen=True, slots=True)
class Offer:
    """An entitlement that somebody could get by a rule, and on which terms."""

    entitlement: Entitlement
    rule: RuleRef
    obligations: Obligations
    addresses: tuple[str, ...] = ()
    """Address blocks within which the request must ask."""
    is_open_now: bool = True
    """False when the rule holds at other hours only."""

    def __str__(self) -> str:
        parts = [*duties(self.obligations)]
        if self.addresses:
            parts.append(f"from within {' or '.join(self.addresses)}")
        if not self.is_open_now:
            parts.append("not at this hour")
        return f"{self.entitlement.id}: {', '.join(parts)} (rule {self.rule})"


def could_get(
    policy: Policy, /, *, principal: Principal, world: World, now: datetime
) -> tuple[Offer, ...]:
    """Every entitlement that the principal could have, asked for in the best way.

    Each rule is asked with a ticket, its own longest time and its own addresses, now and at the
    first of its own hours.
    """
    found = (
        _offer(policy, entitlement=entitlement, principal=principal, world=world, now=now)
        for _, entitlement in sorted(world.entitlements.items())
    )
    return tuple(offer for offer in found if offer is not None)


def _offer(
    policy: Policy, *, entitlement: Entitlement, principal: Principal, world: World, now: datetime
) -> Offer | None:
    for placed in policy.rules:
        asked = _best_words(placed, entitlement=entitlement, requester=principal.id)
        facts = world.facts(asked, policy=policy)
        for moment in _moments(placed.rule.when.hours, now=now):
            judged = policy.judge(asked, facts=facts, now=moment)
            if judged.obligations is not None and judged.rule == placed.rule.name:
                return Offer(
                    entitlement=entitlement,
                    rule=placed.ref,
                    obligations=judged.obligations,
                    addresses=placed.rule.when.ip_within,
                    is_open_now=moment == now,
                )
    return None


def _moments(hours: tuple[str, ...], *, now: datetime) -> Iterator[datetime]:
    """Now, and for a rule with hours the first quarter of an hour at which it opens."""
    yield now
    windows = [read_window(text) for text in hours]
    for step in range(_QUARTERS_OF_A_WEEK if windows else 0):
        moment = now + _QUARTER * step
        if any(window.contains(moment) for window in windows):
            yield moment
            return


def _best_words(placed: PlacedRule, *, entitlement: Entitlement, requester: str) -> Asked:
    rule = placed.rule
    return Asked(
        requester=requester,
        target=entitlement.target,
        permissions=tuple(_within(p, rule.when.ip_within) for p in entitlement.permissions),
        account=entitlement.account,
        duration=rule.granted.max_duration,
        reason="what could I get?",
        ticket="any",
        entitlement=entitlement.id,
    )


def _within(permission: Permission, blocks: tuple[str, ...], /) -> Permission:
    """The permission from the rule's addresses, unless the catalog limits it already."""
    if permission.whitelist or not blocks:
        return permission
    return permission.evolve(whitelist=frozenset(blocks[:1]))
