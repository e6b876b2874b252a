"""When a deny rule applies. In doubt it does: any overlap with what is asked is enough."""

from collections.abc import Callable, Iterator

from keylease.domain.access import Permission
from keylease.policy.conditions import names
from keylease.policy.facts import Scene
from keylease.policy.hours import read_window
from keylease.policy.model import Rule
from keylease.policy.patterns import block, matcher

Applies = Callable[[Scene], bool]


def applies_of(rule: Rule, /) -> tuple[Applies, ...]:
    """The tests that must all hold for a deny rule to refuse."""
    return tuple(_tests(rule))


def _tests(rule: Rule) -> Iterator[Applies]:
    if rule.who is not None and not rule.who.anyone:
        yield names(rule.who)
    if rule.may.target:
        yield _on_target(rule.may.target)
    yield _touches(rule)
    for labels in (rule.may.labels, rule.when.labels):
        for label, patterns in labels.items():
            yield _has_label(label, patterns=patterns)
    if rule.when.entitlement:
        yield _asks_by_name(frozenset(rule.when.entitlement))
    if rule.when.hours:
        yield _in_hours(rule.when.hours)


def _on_target(patterns: tuple[str, ...]) -> Applies:
    matches = matcher(patterns)
    return lambda scene: matches(scene.asked.target)


def _has_label(label: str, *, patterns: tuple[str, ...]) -> Applies:
    matches = matcher(patterns)
    return lambda scene: label in scene.target.labels and matches(scene.target.labels[label])


def _asks_by_name(entitlements: frozenset[str]) -> Applies:
    return lambda scene: scene.asked.entitlement in entitlements


def _in_hours(texts: tuple[str, ...]) -> Applies:
    windows = tuple(map(read_window, texts))
    return lambda scene: any(window.contains(scene.now) for window in windows)


def _touches(rule: Rule) -> Applies:
    """Whether one permission has such a resource, one of the actions and such an address."""
    matchers = {kind: matcher(patterns) for kind, patterns in rule.may.resources.items()}
    actions = frozenset(rule.may.actions)
    blocks = tuple(map(block, rule.when.ip_within))

    def reaches(permission: Permission) -> bool:
        if matchers:
            matches = matchers.get(permission.resource)
            if matches is None or not matches(permission.name):
                return False
        if actions and actions.isdisjoint(permission.actions):
            return False
        if not blocks or not permission.whitelist:
            return True
        return any(block(cidr).meets(outer) for cidr in permission.whitelist for outer in blocks)

    return lambda scene: any(reaches(permission) for permission in scene.asked.permissions)
