"""Requests that no rule can make right: they contradict themselves, the catalog or the directory.

Names are compared letter by letter and never as patterns, so a name that another system might
read as a pattern, or that looks like another one, is refused here before any rule sees it.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from keylease.domain.access import ACTIONS_OF, RESOURCES_OF, Permission, ResourceType
from keylease.domain.request import Asked
from keylease.policy.facts import Facts
from keylease.policy.patterns import block

_PLAIN: Final = re.compile(r"[A-Za-z0-9%|._-]{1,128}")
_NOTHING: Final = timedelta(0)


def find_flaws(asked: Asked, /, *, facts: Facts) -> tuple[str, ...]:
    """Every flaw, in words; empty when rules may decide."""
    flaws = [*_requester(asked, facts=facts), *_target(asked, facts=facts)]
    if asked.duration <= _NOTHING:
        flaws.append("the duration is not positive; ask for one such as 2h")
    if not asked.permissions:
        flaws.append("nothing is asked for; name an entitlement or a resource and its actions")
    for permission in asked.permissions:
        flaws.extend(_permission(permission, facts=facts))
    if asked.entitlement is not None and not flaws:
        flaws.extend(_entitlement(asked, facts=facts))
    if asked.account is not None:
        flaws.extend(_standing(asked, facts=facts))
    return tuple(flaws)


def _requester(asked: Asked, *, facts: Facts) -> Iterator[str]:
    if facts.principal is None:
        yield f"requester {asked.requester!r} is not in the directory"
    elif facts.principal.id != asked.requester:
        yield f"the facts are about {facts.principal.id!r}, not requester {asked.requester!r}"


def _target(asked: Asked, *, facts: Facts) -> Iterator[str]:
    if facts.target is None:
        yield f"target {asked.target!r} is not in the catalog"
    elif facts.target.id != asked.target:
        yield f"the facts are about {facts.target.id!r}, not target {asked.target!r}"


def _permission(permission: Permission, *, facts: Facts) -> Iterator[str]:
    kind, name = permission.resource, permission.name
    if facts.target is not None and kind not in RESOURCES_OF[facts.target.product]:
        yield f"{facts.target.product} target {facts.target.id!r} has no resource of kind {kind}"
    if not permission.actions:
        yield f"no action is asked for on {kind} {name!r}"
    for action in sorted(permission.actions - ACTIONS_OF[kind]):
        yield f"{action} is no action of {kind} {name!r}"
    if kind is ResourceType.CACHE:
        yield from _cache(permission)
    elif not _PLAIN.fullmatch(name):
        yield f"{kind} {name!r} is no plain name; patterns and other characters cannot be asked for"
    for cidr in sorted(permission.whitelist):
        try:
            block(cidr)
        except ValueError:
            yield f"{cidr!r} is no address block; write it like 10.0.0.0/8"


def _cache(permission: Permission) -> Iterator[str]:
    if permission.name != "*":
        yield f"a cache is asked for as a whole, not by the name {permission.name!r}"
    if permission.whitelist:
        yield "a cache account cannot be limited to addresses; ask again without them"


def _entitlement(asked: Asked, *, facts: Facts) -> Iterator[str]:
    bundle = facts.entitlement
    if bundle is None or bundle.id != asked.entitlement:
        yield f"entitlement {asked.entitlement!r} is not in the catalog"
        return
    if (bundle.target, bundle.account) != (asked.target, asked.account):
        yield f"entitlement {bundle.id!r} is for another target or account than was asked for"
    for permission in asked.permissions:
        if not any(permission.is_within(given) for given in bundle.permissions):
            yield f"{permission} is no part of entitlement {bundle.id!r}"


def _standing(asked: Asked, *, facts: Facts) -> Iterator[str]:
    account = facts.standing
    if account is None or (account.target, account.username) != (
        asked.target,
        asked.account,
    ):
        yield f"{asked.account!r} is no standing account of target {asked.target!r}"
