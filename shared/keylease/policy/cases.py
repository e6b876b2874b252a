"""Cases of a policy: requests with the answers that its author expects."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from keylease.domain.access import Action, Permission, ResourceType
from keylease.domain.decision import Decision, Effect
from keylease.domain.duration import Duration
from keylease.domain.record import Value
from keylease.domain.request import Asked
from keylease.policy.evaluate import Policy
from keylease.policy.model import Words
from keylease.policy.world import World


def _instant(text: object) -> object:
    if not isinstance(text, str):
        return text
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        msg = f"{text!r} has no time zone; write it like 2026-11-23T10:00:00+08:00"
        raise ValueError(msg)
    return instant


class AskedFor(Value):
    """One permission, as in a catalog."""

    topic: str | None = None
    group: str | None = None
    cache: bool = False
    actions: tuple[Action, ...]

    def permission(self, addresses: tuple[str, ...], /) -> Permission:
        named = ResourceType.GROUP if self.topic is None else ResourceType.TOPIC
        return Permission(
            resource=ResourceType.CACHE if self.cache else named,
            name=self.topic or self.group or "*",
            actions=frozenset(self.actions),
            whitelist=frozenset(addresses),
        )


class Ask(Value):
    """A request. Either an entitlement or a target with permissions."""

    who: str
    entitlement: str | None = None
    target: str | None = None
    permissions: tuple[AskedFor, ...] = ()
    account: str | None = None
    addresses: Words = Field(default=(), alias="from")
    duration: Duration = Field(alias="for")
    ticket: str | None = None

    def asked(self, world: World, /) -> Asked:
        """The request, with what the catalog says of the entitlement that it names."""
        bundle = world.entitlements.get(self.entitlement or "")
        given = tuple(p.permission(self.addresses) for p in self.permissions)
        if bundle is not None and not given:
            given = tuple(_limited(p, self.addresses) for p in bundle.permissions)
        return Asked(
            requester=self.who,
            target=self.target or (bundle.target if bundle else ""),
            permissions=given,
            account=self.account or (bundle.account if bundle else None),
            duration=self.duration,
            reason="a case",
            ticket=self.ticket,
            entitlement=self.entitlement,
        )


def _limited(permission: Permission, addresses: tuple[str, ...], /) -> Permission:
    return permission.evolve(whitelist=frozenset(addresses)) if addresses else permission


class Expected(Value):
    """The answer."""

    effect: Effect
    rule: str | None = None
    reasons: tuple[str, ...] = ()
    """Each must be a part of one of the reasons."""
    unmet: int | None = None
    """How many reasons there are."""


class Case(Value):
    """One request and its answer."""

    name: str
    at: Annotated[datetime, BeforeValidator(_instant)]
    ask: Ask
    expect: Expected


class CaseFile(Value):
    """A file of cases. Its paths are relative to its own folder."""

    policy: Words = ()
    """Policy files; without it the file of the same name."""
    catalog: str = "catalog.yaml"
    directory: str = "directory.yaml"
    cases: tuple[Case, ...]


def failures(case: Case, /, *, policy: Policy, world: World) -> tuple[str, ...]:
    """How the policy's answer differs from the expected one; empty when it does not."""
    asked = case.ask.asked(world)
    facts = world.facts(asked, policy=policy)
    decision = policy.decide(asked, facts=facts, now=case.at)
    return tuple(_differences(decision, expected=case.expect))


def _differences(decision: Decision, *, expected: Expected) -> Iterator[str]:
    said = "; ".join(decision.reasons)
    if decision.effect is not expected.effect:
        yield f"expected {expected.effect}, got {decision.effect}: {said}"
    rule = decision.rule.name if decision.rule else None
    if expected.rule is not None and rule != expected.rule:
        yield f"expected rule {expected.rule}, got {rule or 'none'}: {said}"
    for reason in expected.reasons:
        if not any(reason in given for given in decision.reasons):
            yield f"expected a reason with {reason!r}, got: {said}"
    if expected.unmet is not None and expected.unmet != len(decision.reasons):
        yield f"expected {expected.unmet} reasons, got {len(decision.reasons)}: {said}"
