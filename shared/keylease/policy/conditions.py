"""Conditions of one rule: whether they hold, and what a refused requester reads.

What nearly every rule asks is looked up for all rules at once (`columns`), and is only worded
here, for the one rule that a refusal names. Circumstances are rarer or dearer: they are asked of
the rules that are left, and once for all rules that share one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from keylease.domain.access import Permission, ResourceType
from keylease.domain.duration import format_duration
from keylease.policy.facts import Scene
from keylease.policy.hours import read_window
from keylease.policy.model import Approvals, May, Rule, When, Who
from keylease.policy.patterns import block, matcher

Unmet = Callable[[Scene], bool]
Says = Callable[[Scene], str]
Words = Callable[[Scene], tuple[str, ...]]
"""One sentence for each thing that is unmet; none when the condition holds."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One demand of a rule, which is met or not."""

    unmet: Unmet
    says: Says

    def words(self, scene: Scene, /) -> tuple[str, ...]:
        return (self.says(scene),) if self.unmet(scene) else ()


@dataclass(frozen=True, slots=True)
class Circumstance(Condition):
    """A demand that many rules may share."""

    key: tuple[object, ...]
    """Those with the same key hold at the same time."""


def words_of(rule: Rule, /) -> tuple[Words, ...]:
    """For every condition of a permit."""
    return (*_about_access(rule), *_about_terms(rule), *_about_circumstances(rule.when))


def circumstances_of(rule: Rule, /) -> Iterator[Circumstance]:
    """Those of a permit; and of a deny, which applies when all of its own hold."""
    yield from _labels(rule)
    if rule.terms is not None and rule.terms.approvals is not None:
        yield _approvals(rule.terms.approvals, name=rule.name)
    if rule.when.entitlement:
        yield _entitlement(rule.when.entitlement)
    if rule.when.hours:
        yield _hours(rule.when.hours)


def _about_access(rule: Rule) -> Iterator[Words]:
    if rule.who is not None and not rule.who.anyone:
        yield _who(rule.who, name=rule.name).words
    if rule.may.target:
        yield _target(rule.may.target).words
    yield _coverage(rule.may)
    yield ownership_of(rule).words
    for label in _labels(rule):
        yield label.words


def _about_terms(rule: Rule) -> Iterator[Words]:
    yield _duration(rule.granted.max_duration, name=rule.name).words
    if rule.granted.approvals is not None:
        yield _approvals(rule.granted.approvals, name=rule.name).words


def _about_circumstances(when: When) -> Iterator[Words]:
    if when.ticket is not None:
        yield _ticket().words
    if when.entitlement:
        yield _entitlement(when.entitlement).words
    if when.ip_within:
        yield _addresses(when.ip_within).words
    if when.hours:
        yield _hours(when.hours).words


def _labels(rule: Rule) -> Iterator[Circumstance]:
    for section, labels in (("may", rule.may.labels), ("when", rule.when.labels)):
        for label, patterns in labels.items():
            yield _label(label, patterns=patterns, section=section)


def _who(who: Who, *, name: str) -> Condition:
    groups, people, workloads = map(frozenset, (who.groups, who.people, who.workloads))

    def unmet(scene: Scene) -> bool:
        principal = scene.principal
        ids = workloads if principal.is_workload else people
        return groups.isdisjoint(principal.groups) and principal.id not in ids

    parts = []
    if who.groups:
        parts.append(f"in none of the groups {', '.join(who.groups)}")
    if who.people or who.workloads:
        parts.append(f"not named by rule {name}")
    sentence = "you are " + " and ".join(parts)
    return Condition(unmet=unmet, says=lambda _: sentence)


def _target(patterns: tuple[str, ...]) -> Condition:
    matches = matcher(patterns)
    allowed = " or ".join(patterns)
    return Condition(
        unmet=lambda scene: not matches(scene.asked.target),
        says=lambda scene: f"target {scene.asked.target} is not {allowed}",
    )


def _label(label: str, *, patterns: tuple[str, ...], section: str) -> Circumstance:
    matches = matcher(patterns)
    allowed = " or ".join(patterns)

    def unmet(scene: Scene) -> bool:
        return label not in scene.target.labels or not matches(scene.target.labels[label])

    def says(scene: Scene) -> str:
        stands = scene.target.labels.get(label)
        held = "is not set" if stands is None else f"is {stands}"
        return f"label {label} of target {scene.asked.target} {held}, not {allowed}"

    return Circumstance(unmet=unmet, says=says, key=(section, label, patterns))


def _coverage(may: May) -> Words:
    """Each permission must be covered whole: its name and every one of its actions."""
    actions = frozenset(may.actions)
    resources = may.resources
    # Keyed by plain strings: an enum member hashes in Python, which is five times slower.
    matchers = {kind.value: matcher(patterns) for kind, patterns in resources.items()}

    def sentences(scene: Scene) -> Iterator[str]:
        for permission in scene.asked.permissions:
            matches = matchers.get(permission.resource._value_)
            if matches is None:
                kinds = _kinds(tuple(resources))
                yield f"{_named(permission)} is not among the {kinds} of the rule"
            elif not matches(permission.name):
                patterns = ", ".join(resources[permission.resource])
                yield f"{_named(permission)} is not among {patterns}"
            if not permission.actions <= actions:
                excess, allowed = sorted(permission.actions - actions), ", ".join(may.actions)
                named = f"{', '.join(excess)} on {_named(permission)}"
                yield f"{named} is not among the actions {allowed}"

    return lambda scene: tuple(sentences(scene))


def _named(permission: Permission) -> str:
    is_cache = permission.resource is ResourceType.CACHE
    return "the cache" if is_cache else f"{permission.resource} {permission.name}"


def _kinds(kinds: tuple[ResourceType, ...]) -> str:
    return " and ".join(f"{kind}s" for kind in kinds)


def ownership_of(rule: Rule, /) -> Circumstance:
    """Access for a standing account goes to its owner, or to whom a rule or the catalog names."""
    matches = matcher(rule.may.accounts)
    entitlements = frozenset(rule.when.entitlement)

    def unmet(scene: Scene) -> bool:
        account = scene.asked.account
        if account is None or matches(account) or scene.asked.entitlement in entitlements:
            return False
        standing = scene.facts.standing
        return standing is None or standing.owner != scene.principal.id

    return Circumstance(
        unmet=unmet,
        says=lambda scene: (
            f"you do not own standing account {scene.asked.account}"
            f" and rule {rule.name} does not name it"
        ),
        key=(rule.may.accounts, rule.when.entitlement),
    )


def _duration(longest: timedelta, *, name: str) -> Condition:
    allowed = format_duration(longest)
    return Condition(
        unmet=lambda scene: scene.asked.duration > longest,
        says=lambda scene: (
            f"{format_duration(scene.asked.duration)} is longer than the {allowed}"
            f" that rule {name} allows"
        ),
    )


def _ticket() -> Condition:
    return Condition(
        unmet=lambda scene: not (scene.asked.ticket or "").strip(),
        says=lambda _: "a ticket is required; name it in the request",
    )


def _entitlement(allowed: tuple[str, ...]) -> Circumstance:
    choices = " or ".join(allowed)
    return Circumstance(
        unmet=lambda scene: scene.asked.entitlement not in allowed,
        says=lambda _: f"the rule is only for entitlement {choices}; ask for it by name",
        key=("entitlement", allowed),
    )


def _addresses(allowed: tuple[str, ...]) -> Condition:
    outer = tuple(map(block, allowed))
    choices = " or ".join(allowed)

    def is_outside(cidr: str) -> bool:
        return not block(cidr).startswith(outer)

    def unmet(scene: Scene) -> bool:
        for permission in scene.asked.permissions:
            if not permission.whitelist or any(map(is_outside, permission.whitelist)):
                return True
        return False

    def says(scene: Scene) -> str:
        asked = {cidr for permission in scene.asked.permissions for cidr in permission.whitelist}
        wrong = sorted(filter(is_outside, asked))
        if wrong:
            return f"{', '.join(wrong)} is not within {choices}"
        return f"addresses within {choices} are required; add `from {allowed[0]}`"

    return Condition(unmet=unmet, says=says)


def _approvals(approvals: Approvals, *, name: str) -> Circumstance:
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

    return Circumstance(unmet=unmet, says=says, key=("approvals", groups, count))


def _hours(texts: tuple[str, ...]) -> Circumstance:
    windows = tuple(map(read_window, texts))
    allowed = " or ".join(texts)

    def says(scene: Scene) -> str:
        zones = dict.fromkeys(window.says(scene.now) for window in windows)
        return f"it is {', '.join(zones)}, outside of {allowed}"

    return Circumstance(
        unmet=lambda scene: not any(window.contains(scene.now) for window in windows),
        says=says,
        key=("hours", texts),
    )
