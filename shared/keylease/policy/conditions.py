"""Conditions of a permit: how many of each are unmet, and the words for them.

Counting and wording are two functions, because a decision counts for every rule and words only
for the nearest. `missing(scene) == len(words(scene))` holds for each of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from keylease.domain.access import Permission, ResourceType
from keylease.domain.duration import format_duration
from keylease.policy.facts import Scene
from keylease.policy.hours import read_window
from keylease.policy.model import Approvals, May, Rule, When, Who
from keylease.policy.patterns import Block, block, matcher

Unmet = Callable[[Scene], bool]
Says = Callable[[Scene], str]


@dataclass(frozen=True, slots=True)
class Condition:
    """One demand of a rule."""

    missing: Callable[[Scene], int]
    """How many things are unmet; 0 when it holds."""
    words: Callable[[Scene], tuple[str, ...]]
    """One sentence for each of them."""


def conditions_of(rule: Rule, /) -> tuple[Condition, ...]:
    """All conditions of a permit, those that are cheap to check first."""
    return (*_about_access(rule), *_about_terms(rule), *_about_circumstances(rule.when))


def scope_of(may: May, /) -> tuple[Condition, ...]:
    """Those about what is asked for; a rule that is about something else is far from a request."""
    return (_target(may.target), _coverage(may)) if may.target else (_coverage(may),)


def _about_access(rule: Rule) -> Iterator[Condition]:
    if rule.who is not None and not rule.who.anyone:
        yield _who(rule.who, name=rule.name)
    yield from scope_of(rule.may)
    yield _account(rule)
    for labels in (rule.may.labels, rule.when.labels):
        for label, patterns in labels.items():
            yield _label(label, patterns=patterns)


def _about_terms(rule: Rule) -> Iterator[Condition]:
    yield _duration(rule.granted.max_duration, name=rule.name)
    if rule.granted.approvals is not None:
        yield _approvals(rule.granted.approvals, name=rule.name)


def _about_circumstances(when: When) -> Iterator[Condition]:
    if when.ticket is not None:
        yield _ticket()
    if when.entitlement:
        yield _entitlement(when.entitlement)
    if when.ip_within:
        yield _addresses(when.ip_within)
    if when.hours:
        yield _hours(when.hours)


def _one(*, unmet: Unmet, says: Says) -> Condition:
    """A condition that is met or not; a bool counts as 0 or 1."""
    return Condition(missing=unmet, words=lambda scene: (says(scene),) if unmet(scene) else ())


def names(who: Who, /) -> Callable[[Scene], bool]:
    """Whether the requester is one of those."""
    groups, people, workloads = map(frozenset, (who.groups, who.people, who.workloads))

    def is_named(scene: Scene) -> bool:
        principal = scene.principal
        if not groups.isdisjoint(principal.groups):
            return True
        return principal.id in (workloads if principal.is_workload else people)

    return is_named


def _who(who: Who, *, name: str) -> Condition:
    is_named = names(who)
    parts = []
    if who.groups:
        parts.append(f"in none of the groups {', '.join(who.groups)}")
    if who.people or who.workloads:
        parts.append(f"not named by rule {name}")
    sentence = "you are " + " and ".join(parts)
    return _one(unmet=lambda scene: not is_named(scene), says=lambda _: sentence)


def _target(patterns: tuple[str, ...]) -> Condition:
    matches = matcher(patterns)
    allowed = " or ".join(patterns)
    return _one(
        unmet=lambda scene: not matches(scene.asked.target),
        says=lambda scene: f"target {scene.asked.target} is not {allowed}",
    )


def _label(label: str, *, patterns: tuple[str, ...]) -> Condition:
    matches = matcher(patterns)
    allowed = " or ".join(patterns)

    def unmet(scene: Scene) -> bool:
        return label not in scene.target.labels or not matches(scene.target.labels[label])

    def says(scene: Scene) -> str:
        stands = scene.target.labels.get(label)
        held = "is not set" if stands is None else f"is {stands}"
        return f"label {label} of target {scene.asked.target} {held}, not {allowed}"

    return _one(unmet=unmet, says=says)


def _coverage(may: May) -> Condition:
    """Each permission must be covered whole: its name and every one of its actions."""
    actions = frozenset(may.actions)
    resources = may.resources
    # Keyed by plain strings: an enum member hashes in Python, which is five times slower.
    matchers = {kind.value: matcher(patterns) for kind, patterns in resources.items()}

    def missing(scene: Scene) -> int:
        count = 0
        for permission in scene.asked.permissions:
            matches = matchers.get(permission.resource._value_)
            if matches is None or not matches(permission.name):
                count += 1
            if not permission.actions <= actions:
                count += 1
        return count

    def sentences(permission: Permission) -> Iterator[str]:
        kind = permission.resource
        matches = matchers.get(kind.value)
        if matches is None:
            yield f"{_named(permission)} is not among the {_kinds(tuple(resources))} of the rule"
        elif not matches(permission.name):
            yield f"{_named(permission)} is not among {', '.join(resources[kind])}"
        if excess := sorted(permission.actions - actions):
            allowed = ", ".join(may.actions)
            yield f"{', '.join(excess)} on {_named(permission)} is not among the actions {allowed}"

    return Condition(
        missing=missing,
        words=lambda scene: tuple(s for p in scene.asked.permissions for s in sentences(p)),
    )


def _named(permission: Permission) -> str:
    is_cache = permission.resource is ResourceType.CACHE
    return "the cache" if is_cache else f"{permission.resource} {permission.name}"


def _kinds(kinds: tuple[ResourceType, ...]) -> str:
    return " and ".join(f"{kind}s" for kind in kinds)


def _account(rule: Rule) -> Condition:
    """Access for a standing account goes to its owner, or to whom a rule or the catalog names."""
    matches = matcher(rule.may.accounts)
    entitlements = frozenset(rule.when.entitlement)

    def unmet(scene: Scene) -> bool:
        account = scene.asked.account
        if account is None or matches(account) or scene.asked.entitlement in entitlements:
            return False
        standing = scene.facts.standing
        return standing is None or standing.owner != scene.principal.id

    return _one(
        unmet=unmet,
        says=lambda scene: (
            f"you do not own standing account {scene.asked.account}"
            f" and rule {rule.name} does not name it"
        ),
    )


def _duration(longest: timedelta, *, name: str) -> Condition:
    allowed = format_duration(longest)
    return _one(
        unmet=lambda scene: scene.asked.duration > longest,
        says=lambda scene: (
            f"{format_duration(scene.asked.duration)} is longer than the {allowed}"
            f" that rule {name} allows"
        ),
    )


def _ticket() -> Condition:
    return _one(
        unmet=lambda scene: not (scene.asked.ticket or "").strip(),
        says=lambda _: "a ticket is required; name it in the request",
    )


def _entitlement(allowed: tuple[str, ...]) -> Condition:
    choices = " or ".join(allowed)
    return _one(
        unmet=lambda scene: scene.asked.entitlement not in allowed,
        says=lambda _: f"the rule is only for entitlement {choices}; ask for it by name",
    )


def _lies_outside(blocks: tuple[Block, ...]) -> Callable[[str], bool]:
    def lies_outside(cidr: str) -> bool:
        asked = block(cidr)
        for outer in blocks:  # noqa: SIM110  # a loop takes half the time of any()
            if asked.is_within(outer):
                return False
        return True

    return lies_outside


def _addresses(allowed: tuple[str, ...]) -> Condition:
    is_outside = _lies_outside(tuple(map(block, allowed)))
    choices = " or ".join(allowed)

    def unmet(scene: Scene) -> bool:
        for permission in scene.asked.permissions:
            if not permission.whitelist:  # lets everybody in
                return True
            for cidr in permission.whitelist:
                if is_outside(cidr):
                    return True
        return False

    def says(scene: Scene) -> str:
        asked = {cidr for permission in scene.asked.permissions for cidr in permission.whitelist}
        wrong = sorted(filter(is_outside, asked))
        if wrong:
            return f"{', '.join(wrong)} is not within {choices}"
        return f"addresses within {choices} are required; add `from {allowed[0]}`"

    return _one(unmet=unmet, says=says)


def _approvals(approvals: Approvals, *, name: str) -> Condition:
    """Somebody else must be able to say yes; what is asked in vain is a deny at once."""
    groups, count = approvals.approvers, approvals.count

    def able(scene: Scene) -> set[str] | None:
        """Who may approve; None when that cannot be known."""
        members, requester = scene.facts.members, scene.principal.id
        found = set()
        for group in groups:
            people = members.get(group)
            if people is None:
                return None
            for person in people:
                if not person.is_workload and person.id != requester:
                    found.add(person.id)
        return found

    def unmet(scene: Scene) -> bool:
        people = able(scene)
        return people is None or len(people) < count

    def says(scene: Scene) -> str:
        people = able(scene)
        if people is None:
            unknown = [group for group in groups if scene.facts.members.get(group) is None]
            return f"who is in {', '.join(unknown)} could not be read, so nobody can approve"
        others = ", ".join(sorted(people)) or "nobody"
        approves = "1 approval" if count == 1 else f"{count} approvals"
        return (
            f"rule {name} needs {approves} from {', '.join(groups)},"
            f" and besides you {others} could give {'it' if count == 1 else 'them'}"
        )

    return _one(unmet=unmet, says=says)


def _hours(texts: tuple[str, ...]) -> Condition:
    windows = tuple(map(read_window, texts))
    allowed = " or ".join(texts)

    def says(scene: Scene) -> str:
        zones = dict.fromkeys(window.says(scene.now) for window in windows)
        return f"it is {', '.join(zones)}, outside of {allowed}"

    return _one(
        unmet=lambda scene: not any(window.contains(scene.now) for window in windows),
        says=says,
    )
