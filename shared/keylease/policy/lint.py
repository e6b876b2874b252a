"""What is allowed in a policy and most likely a mistake: it would never do anything."""

from collections.abc import Iterator

from keylease.domain.access import Product, ResourceType
from keylease.policy.model import May, PlacedRule, Rule
from keylease.policy.patterns import covers, matcher
from keylease.policy.world import World

Finding = tuple[PlacedRule, str, str]
"""Rule, field, message."""


def lint(rules: tuple[PlacedRule, ...], /, *, world: World | None = None) -> Iterator[Finding]:
    """Rules that are never reached, and words that stand for nothing in catalog or directory."""
    yield from _shadowed(rules)
    if world is not None:
        for placed in rules:
            yield from _unknown_people(placed, world=world)
            yield from _unknown_things(placed, world=world)


def _shadowed(rules: tuple[PlacedRule, ...]) -> Iterator[Finding]:
    for number, placed in enumerate(rules):
        if placed.rule.deny:
            continue
        for other in rules[:number] + tuple(r for r in rules[number:] if r.rule.deny):
            if _takes_all(other.rule, placed.rule):
                verb = "refuses" if other.rule.deny else "already permits"
                message = f"is never reached: rule {other.rule.name} {verb} all that it permits"
                yield placed, "", message
                break


def _takes_all(first: Rule, second: Rule) -> bool:
    """Whether `first` surely answers everything that `second` would permit."""
    return (
        _is_unconditional(first, second)
        and _covers_people(first, second)
        and _covers_access(first.may, second.may, deny=first.deny)
        and _covers_terms(first, second)
    )


def _is_unconditional(first: Rule, second: Rule) -> bool:
    """Whether `first` asks for no circumstance that `second` does not ask for as well."""
    one, other = first.when, second.when
    return (
        (one.ticket is None or other.ticket is not None)
        and (not one.hours or set(other.hours or ("always",)) <= set(one.hours))
        and (not one.ip_within or set(other.ip_within or ("any",)) <= set(one.ip_within))
        and (not one.entitlement or set(other.entitlement or ("any",)) <= set(one.entitlement))
        and (not one.labels or one.labels == other.labels)
        and (not first.may.labels or first.may.labels == second.may.labels)
    )


def _covers_people(first: Rule, second: Rule) -> bool:
    if first.who is None or first.who.anyone:
        return True
    if second.who is None or second.who.anyone:
        return False
    return (
        set(second.who.groups) <= set(first.who.groups)
        and set(second.who.people) <= set(first.who.people)
        and set(second.who.workloads) <= set(first.who.workloads)
    )


def _covers_access(first: May, second: May, *, deny: bool) -> bool:
    if first.target and not (second.target and _all_covered(second.target, first.target)):
        return False
    if set(second.accounts) - set(first.accounts) and not deny:
        return False
    actions = set(first.actions)
    if actions and not set(second.actions) <= actions:
        return False
    wide = first.resources
    return not wide or all(
        kind in wide and _all_covered(patterns, wide[kind])
        for kind, patterns in second.resources.items()
    )


def _all_covered(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return all(any(covers(pattern, one) for pattern in wide) for one in narrow)


def _covers_terms(first: Rule, second: Rule) -> bool:
    """A permit that is shorter, or that nobody may be able to approve, leaves room for another."""
    one, other = first.granted, second.granted
    is_generous = one.max_duration >= other.max_duration
    return first.deny or (is_generous and one.approvals in (None, other.approvals))


def _unknown_people(placed: PlacedRule, *, world: World) -> Iterator[Finding]:
    rule = placed.rule
    for group in rule.who.groups if rule.who else ():
        if not any(group in p.groups for p in world.principals.values()):
            yield placed, "who.groups", f"nobody in the directory is in group {group}"
    named = (*rule.who.people, *rule.who.workloads) if rule.who else ()
    for id_ in named:
        if id_ not in world.principals:
            yield placed, "who", f"{id_} is not in the directory"
    approvals = rule.granted.approvals
    if approvals is None:
        return
    for group in approvals.approvers:
        if not world.members(group):
            message = f"nobody in the directory is in or is called {group}"
            yield placed, "terms.approvals.from", message
    able = {p.id for g in approvals.approvers for p in world.members(g) if not p.is_workload}
    if len(able) < approvals.count:
        message = f"{approvals.count} approvals are needed and only {len(able)} people can give one"
        yield placed, "terms.approvals.count", message


def _unknown_things(placed: PlacedRule, *, world: World) -> Iterator[Finding]:
    may = placed.rule.may
    for pattern in may.target:
        if not any(map(matcher((pattern,)), world.targets)):
            yield placed, "may.target", f"{pattern} matches no target of the catalog"
    for pattern in may.accounts:
        if not any(map(matcher((pattern,)), (a.username for a in world.standing))):
            yield placed, "may.accounts", f"{pattern} matches no standing account of the catalog"
    for name in placed.rule.when.entitlement:
        if name not in world.entitlements:
            yield placed, "when.entitlement", f"{name} is no entitlement of the catalog"
    yield from _unknown_labels(placed, world=world)
    yield from _unknown_resources(placed, world=world)


def _unknown_labels(placed: PlacedRule, *, world: World) -> Iterator[Finding]:
    for section, labels in (("may", placed.rule.may.labels), ("when", placed.rule.when.labels)):
        for label, patterns in labels.items():
            values = [t.labels[label] for t in world.targets.values() if label in t.labels]
            if not any(map(matcher(patterns), values)):
                message = f"no target of the catalog has {label}: {' or '.join(patterns)}"
                yield placed, f"{section}.labels.{label}", message


def _unknown_resources(placed: PlacedRule, *, world: World) -> Iterator[Finding]:
    """Patterns that no entitlement names; a wrong kind of target says so by itself."""
    matches = matcher(placed.rule.may.target or ("*",))
    targets = [t for t in world.targets.values() if matches(t.id)]
    products = {t.product for t in targets}
    if placed.rule.may.cache and targets and Product.REDIS not in products:
        yield placed, "may.cache", "none of its targets is a cache"
    names = _names(world)
    for field, kind, patterns in (
        ("may.topics", ResourceType.TOPIC, placed.rule.may.topics),
        ("may.groups", ResourceType.GROUP, placed.rule.may.groups),
    ):
        if patterns and targets and Product.ROCKETMQ not in products:
            yield placed, field, "none of its targets is a message queue"
        for pattern in () if placed.rule.deny else patterns:
            if names[kind] and not any(map(matcher((pattern,)), names[kind])):
                yield (
                    placed,
                    field,
                    f"{pattern} matches nothing that the catalog's entitlements name",
                )


def _names(world: World) -> dict[ResourceType, list[str]]:
    permissions = [p for e in world.entitlements.values() for p in e.permissions]
    return {kind: [p.name for p in permissions if p.resource is kind] for kind in ResourceType}
