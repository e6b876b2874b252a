"""Our rules and requests in Cedar's words, written without any of our engine's code."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import cedarpy

from keylease.domain.access import Action, Permission
from keylease.domain.request import Asked
from keylease.policy.facts import Facts
from keylease.policy.model import Rule

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Cedar says of a whole request."""

    is_permitted: bool
    rules: frozenset[int]
    """Of a permit: the rules that cover all of it. Of a deny: those that refuse any of it."""


def translate(rules: list[Rule], /) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str("\n".join(map(_rule, rules)))


def answer(policies: cedarpy.PolicySet, /, *, asked: Asked, facts: Facts, now: datetime) -> Answer:
    """One question per permission and action; one rule must permit them all."""
    permitting: set[int] | None = None
    refusing: set[int] = set()
    for permission in asked.permissions:
        for action in permission.actions:
            request, entities = _question(permission, action, asked=asked, facts=facts, now=now)
            result = cedarpy.is_authorized(request, policies, entities)
            assert not result.diagnostics.errors
            found = {int(reason.removeprefix("policy")) for reason in result.diagnostics.reasons}
            refusing |= set() if result.allowed else found
            allowing = found if result.allowed else set()
            permitting = allowing if permitting is None else permitting & allowing
    is_permitted = bool(permitting) and not refusing
    return Answer(is_permitted, frozenset(permitting or () if is_permitted else refusing))


def _rule(rule: Rule) -> str:
    conditions = [*_who(rule), *_what(rule), *_when(rule)]
    verb = "forbid" if rule.deny else "permit"
    return f"{verb} (principal, action, resource) when {{ {' && '.join(conditions) or 'true'} }};"


def _any(parts: list[str]) -> str:
    return f"({' || '.join(parts)})"


def _who(rule: Rule) -> Iterator[str]:
    if rule.who is None or rule.who.anyone:
        return
    parts = [f'principal in Group::"{group}"' for group in rule.who.groups]
    parts += [f'principal == User::"{id_}" && !principal.isWorkload' for id_ in rule.who.people]
    parts += [f'principal == User::"{id_}" && principal.isWorkload' for id_ in rule.who.workloads]
    yield _any(parts)


def _what(rule: Rule) -> Iterator[str]:
    if rule.may.target:
        yield _any([f'resource.target like "{pattern}"' for pattern in rule.may.target])
    kinds = {"topic": rule.may.topics, "group": rule.may.groups}
    parts = [
        f'resource.kind == "{kind}" && resource.name like "{pattern}"'
        for kind, patterns in kinds.items()
        for pattern in patterns
    ]
    parts += ['resource.kind == "cache"'] if rule.may.cache else []
    if parts:
        yield _any(parts)
    if rule.may.actions:
        yield _any([f'action == Action::"{action}"' for action in rule.may.actions])


def _when(rule: Rule) -> Iterator[str]:
    when = rule.when
    if when.ticket:
        yield "context has ticket"
    if when.entitlement:
        named = _any([f'context.entitlement == "{name}"' for name in when.entitlement])
        yield f"context has entitlement && {named}"
    for labels in (rule.may.labels, when.labels):
        for label, patterns in labels.items():
            held = _any([f'resource.labels.{label} like "{pattern}"' for pattern in patterns])
            yield f"resource.labels has {label} && {held}"
    if when.ip_within:
        yield _overlapping(when.ip_within) if rule.deny else _within(when.ip_within)
    if when.hours:
        yield _any([_window(text) for text in when.hours])
    if rule.terms is not None:
        yield f"context.seconds <= {int(rule.terms.max_duration.total_seconds())}"
        if rule.terms.approvals is not None:
            names = ", ".join(f'"{name}"' for name in rule.terms.approvals.approvers)
            yield f"context.othersIn.containsAny([{names}])"


def _within(blocks: tuple[str, ...]) -> str:
    each = [
        _any([f'context.{name}.isInRange(ip("{block}"))' for block in blocks])
        for name in ("address1", "address2")
    ]
    return f"context has address1 && {' && '.join(each)}"


def _overlapping(blocks: tuple[str, ...]) -> str:
    parts = [
        f'context.{name}.isInRange(ip("{block}")) || ip("{block}").isInRange(context.{name})'
        for block in blocks
        for name in ("address1", "address2")
    ]
    return f"(!(context has address1) || {_any(parts)})"


def _window(text: str) -> str:
    days, hours, zone = text.split(" ")
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in hours.split("-"))
    clock = f"context.{_field(zone)}"
    today = f"{_days(days)}.contains({clock}.weekday)"
    if start < end:
        return f"({today} && {clock}.minute >= {start} && {clock}.minute < {end})"
    yesterday = f"{_days(days)}.contains({clock}.yesterday)"
    return f"({today} && {clock}.minute >= {start} || {yesterday} && {clock}.minute < {end})"


def _days(text: str) -> str:
    if text == "daily":
        return "[0, 1, 2, 3, 4, 5, 6]"
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        day = DAYS.index(first)
        found.append(day)
        while DAYS[day] != (last or first):
            day = (day + 1) % 7
            found.append(day)
    return str(found)


def _field(zone: str) -> str:
    return zone.replace("/", "_")


def _question(
    permission: Permission, action: Action, *, asked: Asked, facts: Facts, now: datetime
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    principal, target = facts.principal, facts.target
    assert principal is not None
    assert target is not None
    request = {
        "principal": {"type": "User", "id": principal.id},
        "action": {"type": "Action", "id": str(action)},
        "resource": {"type": "Resource", "id": "it"},
        "context": _context(permission, asked=asked, facts=facts, now=now),
    }
    resource = {
        "kind": str(permission.resource),
        "name": permission.name,
        "target": target.id,
        "labels": target.labels,
    }
    groups = [{"type": "Group", "id": group} for group in principal.groups]
    entities: list[dict[str, Any]] = [
        {
            "uid": {"type": "User", "id": principal.id},
            "attrs": {"isWorkload": principal.is_workload},
            "parents": groups,
        },
        {"uid": {"type": "Resource", "id": "it"}, "attrs": resource, "parents": []},
    ]
    return request, entities


def _context(
    permission: Permission, *, asked: Asked, facts: Facts, now: datetime
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "seconds": int(asked.duration.total_seconds()),
        "othersIn": [
            group
            for group, people in facts.members.items()
            if any(p.id != asked.requester and not p.is_workload for p in people or ())
        ],
    }
    for zone in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"):
        wall = now.astimezone(ZoneInfo(zone))
        context[_field(zone)] = {
            "weekday": wall.weekday(),
            "yesterday": (wall.weekday() + 6) % 7,
            "minute": wall.hour * 60 + wall.minute,
        }
    if asked.ticket:
        context["ticket"] = asked.ticket
    if asked.entitlement:
        context["entitlement"] = asked.entitlement
    if permission.whitelist:
        first, last = min(permission.whitelist), max(permission.whitelist)
        context["address1"] = {"__extn": {"fn": "ip", "arg": first}}
        context["address2"] = {"__extn": {"fn": "ip", "arg": last}}
    return context
