"""How far a permit is from a request, counted slowly by means that the engine does not use."""

from fnmatch import fnmatchcase
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from keylease.domain.access import Permission
from keylease.policy.model import Rule
from tests.policy.cedar import DAYS
from tests.policy.generate import Situation


def unmet(rule: Rule, /, *, case: Situation) -> int:
    """The number of sentences that a refusal by this permit has."""
    return sum(
        (
            not _is_named(rule, case),
            not _matches(rule.may.target, case.asked.target),
            sum(_uncovered(rule, permission) for permission in case.asked.permissions),
            sum(not _has_label(case, rule, label) for label in rule.when.labels),
            rule.terms is not None and case.asked.duration > rule.terms.max_duration,
            not _can_be_approved(rule, case),
            rule.when.ticket == "required" and case.asked.ticket is None,
            bool(rule.when.entitlement) and case.asked.entitlement not in rule.when.entitlement,
            bool(rule.when.ip_within) and not _is_within(rule, case),
            bool(rule.when.hours) and not any(_is_open(text, case) for text in rule.when.hours),
        )
    )


def misfit(rule: Rule, /, *, case: Situation) -> int:
    """How many of them are about the target, the resources and the actions."""
    uncovered = sum(_uncovered(rule, permission) for permission in case.asked.permissions)
    return uncovered + (not _matches(rule.may.target, case.asked.target))


def _is_named(rule: Rule, case: Situation) -> bool:
    principal = case.facts.principal
    assert rule.who is not None
    assert principal is not None
    ids = rule.who.workloads if principal.is_workload else rule.who.people
    in_group = any(group in principal.groups for group in rule.who.groups)
    return rule.who.anyone or in_group or principal.id in ids


def _matches(patterns: tuple[str, ...], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _uncovered(rule: Rule, permission: Permission) -> int:
    patterns = {
        "topic": rule.may.topics,
        "group": rule.may.groups,
        "cache": ("*",) if rule.may.cache else (),
    }[permission.resource.value]
    wrong_actions = any(action not in rule.may.actions for action in permission.actions)
    return (not _matches(patterns, permission.name)) + wrong_actions


def _has_label(case: Situation, rule: Rule, label: str) -> bool:
    assert case.facts.target is not None
    value = case.facts.target.labels.get(label)
    return value is not None and _matches(rule.when.labels[label], value)


def _can_be_approved(rule: Rule, case: Situation) -> bool:
    if rule.terms is None or rule.terms.approvals is None:
        return True
    people = [p for g in rule.terms.approvals.approvers for p in case.facts.members[g] or ()]
    able = {p.id for p in people if not p.is_workload and p.id != case.asked.requester}
    return len(able) >= rule.terms.approvals.count


def _is_within(rule: Rule, case: Situation) -> bool:
    allowed = [ip_network(cidr) for cidr in rule.when.ip_within]
    for permission in case.asked.permissions:
        if not permission.whitelist:
            return False
        for cidr in permission.whitelist:
            asked = ip_network(cidr)
            if not any(
                asked.version == net.version and asked[0] in net and asked[-1] in net
                for net in allowed
            ):
                return False
    return True


def _is_open(text: str, case: Situation) -> bool:
    days, hours, zone = text.split(" ")
    wall = case.now.astimezone(ZoneInfo(zone))
    start, end = hours.split("-")
    clock = f"{wall:%H:%M}"
    if start < end:
        return _is_day(days, wall.weekday()) and start <= clock < end
    return (_is_day(days, wall.weekday()) and clock >= start) or (
        _is_day(days, (wall.weekday() + 6) % 7) and clock < end
    )


def _is_day(days: str, day: int) -> bool:
    if days == "daily":
        return True
    for part in days.split(","):
        first, _, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        if (begin <= day <= end) if begin <= end else (day >= begin or day <= end):
            return True
    return False
