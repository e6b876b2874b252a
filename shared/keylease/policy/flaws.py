"""Requests that no rule can make right: they contradict themselves, the catalog or the directory.

Names are compared letter by letter and never as patterns, so a name that another system might
read as a pattern, or that looks like another one, is refused here before any rule sees it.
"""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final

from keylease.domain.access import (
    ACTIONS_OF,
    CHOICES_OF,
    RESOURCES_OF,
    Permission,
    ResourceType,
    Target,
)
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.facts import Facts
from keylease.policy.patterns import block

_PLAIN: Final = re.compile(r"[A-Za-z0-9%|._-]{1,128}")
_NOTHING: Final = timedelta(0)
_CACHE: Final = ResourceType.CACHE.value
# Keyed by plain strings: an enum member hashes in Python, which is five times slower.
_CHOICES: Final = {kind.value: choices for kind, choices in CHOICES_OF.items()}
_CHOICES_AT: Final = {
    product.value: {kind.value: CHOICES_OF[kind] for kind in kinds}
    for product, kinds in RESOURCES_OF.items()
}


def find_flaws(
    asked: Asked, /, *, principal: Principal | None, target: Target | None, facts: Facts
) -> tuple[str, ...]:
    """Every flaw, in words; empty when rules may decide. Principal and target are the facts'."""
    flaws: list[str] = []
    permissions = asked.permissions
    if principal is None or principal.id != asked.requester:
        flaws.append(f"requester {asked.requester!r} is not in the directory")
    if target is None or target.id != asked.target:
        flaws.append(f"target {asked.target!r} is not in the catalog")
    if asked.duration <= _NOTHING:
        flaws.append("the duration is not positive; ask for one such as 2h")
    if not permissions:
        flaws.append("nothing is asked for; name an entitlement or a resource and its actions")
    for permission in permissions:
        _permission(permission, target=target, into=flaws)
    if asked.account is not None:
        flaws += _standing(asked, facts=facts)
    if asked.entitlement is not None and not flaws:
        flaws += _entitlement(asked, facts=facts)
    return tuple(flaws) if flaws else ()


def _permission(permission: Permission, *, target: Target | None, into: list[str]) -> None:
    kind, name = permission.resource._value_, permission.name
    choices = _CHOICES if target is None else _CHOICES_AT[target.product._value_]
    if permission.actions not in choices.get(kind, ()):
        into += _actions(permission, target=target)
    if kind == _CACHE:
        into += _cache(permission)
    elif not _is_plain(name):
        into.append(f"{kind} {name!r} is no plain name, and patterns cannot be asked for")
    if wrong := _blocks(permission.whitelist):
        into += wrong


def _actions(permission: Permission, *, target: Target | None) -> list[str]:
    kind, actions = permission.resource, permission.actions
    flaws = []
    if target is not None and kind not in RESOURCES_OF[target.product]:
        flaws.append(f"{target.product} target {target.id!r} has no {kind}")
    if not actions:
        flaws.append(f"no action is asked for on {kind} {permission.name!r}")
    wrong = sorted(actions - ACTIONS_OF[kind])
    return flaws + [f"{action} is no action of {kind} {permission.name!r}" for action in wrong]


@lru_cache(maxsize=1024)
def _blocks(whitelist: frozenset[str]) -> tuple[str, ...]:
    wrong = sorted(cidr for cidr in whitelist if not _is_block(cidr))
    return tuple(f"{cidr!r} is no address block; write it like 10.0.0.0/8" for cidr in wrong)


def _cache(permission: Permission) -> list[str]:
    flaws = []
    if permission.name != "*":
        flaws.append(f"a cache is asked for as a whole, not by the name {permission.name!r}")
    if permission.whitelist:
        flaws.append("a cache account cannot be limited to addresses; ask again without them")
    return flaws


def _entitlement(asked: Asked, *, facts: Facts) -> list[str]:
    bundle = facts.entitlement
    if bundle is None or bundle.id != asked.entitlement:
        return [f"entitlement {asked.entitlement!r} is not in the catalog"]
    flaws = []
    if (bundle.target, bundle.account) != (asked.target, asked.account):
        flaws.append(f"entitlement {bundle.id!r} is for another target or account")
    flaws += [
        f"{permission} is no part of entitlement {bundle.id!r}"
        for permission in asked.permissions
        if not any(permission.is_within(given) for given in bundle.permissions)
    ]
    return flaws


def _standing(asked: Asked, *, facts: Facts) -> list[str]:
    account = facts.standing
    if account is None or (account.target, account.username) != (asked.target, asked.account):
        return [f"{asked.account!r} is no standing account of target {asked.target!r}"]
    return []


@lru_cache(maxsize=4096)
def _is_plain(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None


def _is_block(cidr: str) -> bool:
    try:
        block(cidr)
    except ValueError:
        return False
    return True
