"""From what somebody asks to the words of a request: names looked up, everything bounded.

What is refused here could never be decided; whether it is allowed is the policy's business.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_interface, ip_network

from keylease.domain.access import (
    ACTIONS_OF,
    RESOURCES_OF,
    Action,
    Entitlement,
    Permission,
    ResourceType,
    RowKey,
    Target,
)
from keylease.domain.intake import Ask
from keylease.domain.request import Asked
from keylease.errors import BadInput
from keylease.ports.directory import Catalog

LONGEST_REASON = 500
MOST_PERMISSIONS = 20
MOST_ADDRESSES = 50
LONGEST_DURATION = timedelta(days=366)
_NAME = re.compile(r"[A-Za-z0-9_%.-]{1,127}")
_TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./#-]{0,63}")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads asks against one catalog."""

    catalog: Catalog

    def asked(self, ask: Ask, /, *, requester: str) -> Asked:
        """The words of the request.

        Raises:
            BadInput: something in it does not exist or makes no sense; says what to write instead.
        """
        bundle = self._entitlement(ask)
        target = self._target(bundle.target if bundle else ask.target or "")
        permissions = merged(bundle.permissions if bundle else ask.permissions, target=target)
        return Asked(
            requester=requester,
            target=target.id,
            permissions=permissions,
            account=self._account(ask, bundle=bundle, target=target),
            duration=_duration(ask.duration),
            reason=reason_of(ask.reason),
            ticket=_ticket(ask.ticket),
            entitlement=bundle.id if bundle else None,
        )

    def _entitlement(self, ask: Ask) -> Entitlement | None:
        if ask.entitlement is None:
            return None
        if ask.target or ask.permissions:
            msg = "ask for an entitlement, or for a target and permissions, not for both"
            raise BadInput(msg, field="entitlement")
        found = self.catalog.entitlement(ask.entitlement)
        if found is not None:
            return found
        if self.catalog.target(ask.entitlement) is not None:
            msg = f"'{ask.entitlement}' is a target; say which of its topics, groups or cache too"
            raise BadInput(msg, field="entitlement")
        known = [entitlement.id for entitlement in self.catalog.entitlements()]
        raise _unknown("entitlement", ask.entitlement, known=known)

    def _target(self, id: str) -> Target:  # as the catalog calls it
        found = self.catalog.target(id)
        if found is None:
            known = [target.id for target in self.catalog.targets()]
            raise _unknown("target", id, known=known)
        return found

    def _account(self, ask: Ask, *, bundle: Entitlement | None, target: Target) -> str | None:
        bundled = bundle.account if bundle else None
        if ask.account is None or ask.account == bundled:
            return bundled
        if bundled is not None:
            msg = f"the entitlement is for the account {bundled}; ask without 'as'"
            raise BadInput(msg, field="account")
        known = [one.username for one in self.catalog.standing() if one.target == target.id]
        if ask.account not in known:
            raise _unknown("account", ask.account, known=known)
        return ask.account


def merged(permissions: Iterable[Permission], /, *, target: Target) -> tuple[Permission, ...]:
    """Each permission checked against the product, those on one resource made one.

    Raises:
        BadInput: one of them cannot be had.
    """
    rows: dict[RowKey, Permission] = {}
    for given in permissions:
        permission = _checked(given, target=target)
        same = rows.get(permission.key)
        if same and same.whitelist != permission.whitelist:
            msg = f"{permission.resource} {permission.name} is asked for from different addresses"
            raise BadInput(msg, field="permissions")
        actions = permission.actions | (same.actions if same else frozenset())
        rows[permission.key] = permission.evolve(actions=actions)
    if not 0 < len(rows) <= MOST_PERMISSIONS:
        msg = f"ask for 1 to {MOST_PERMISSIONS} resources at once; this has {len(rows)}"
        raise BadInput(msg, field="permissions")
    for permission in rows.values():
        _check_actions(permission)
    return tuple(rows.values())


def reason_of(text: str, /) -> str:
    """A reason as one line of visible text: it will stand in logs, chats and tickets.

    Raises:
        BadInput: nothing is left, or too much.
    """
    shown = " ".join(visible(text).split())
    if not shown:
        msg = "say why you need it"
        raise BadInput(msg, field="reason")
    if len(shown) > LONGEST_REASON:
        msg = f"is {len(shown)} characters long; {LONGEST_REASON} are enough"
        raise BadInput(msg, field="reason")
    return shown


def visible(text: str, /) -> str:
    """Text without what does not show: control, zero-width and direction-changing characters."""
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in _INVISIBLE
    )


def _checked(permission: Permission, *, target: Target) -> Permission:
    kinds = RESOURCES_OF[target.product]
    if permission.resource not in kinds:
        options = " or ".join(sorted(kinds))
        msg = f"{target.id} has no {permission.resource}; it is {target.product}: ask for {options}"
        raise BadInput(msg, field="permissions")
    is_cache = permission.resource is ResourceType.CACHE
    if (permission.name != "*") if is_cache else not _NAME.fullmatch(permission.name):
        what = "a cache has no name but *" if is_cache else "letters, digits and _ . % - only"
        msg = f"{permission.resource} {visible(permission.name)[:64]!r}: {what}"
        raise BadInput(msg, field="permissions")
    if is_cache and permission.whitelist:
        msg = "a cache account has no address list of its own; ask without 'from'"
        raise BadInput(msg, field="permissions")
    return permission.evolve(whitelist=_addresses(permission.whitelist))


def _check_actions(permission: Permission) -> None:
    allowed = ACTIONS_OF[permission.resource]
    if not permission.actions or not permission.actions <= allowed:
        options = ", ".join(sorted(allowed))
        msg = f"{permission.resource} {permission.name} takes {options}, and at least one of them"
        raise BadInput(msg, field="permissions")
    if permission.actions == {Action.WRITE}:
        msg = "a Redis account cannot write without reading; ask for read,write"
        raise BadInput(msg, field="permissions")


def _addresses(cidrs: frozenset[str]) -> frozenset[str]:
    if len(cidrs) > MOST_ADDRESSES:
        msg = f"at most {MOST_ADDRESSES} address blocks"
        raise BadInput(msg, field="from")
    return frozenset(_address(cidr) for cidr in cidrs)


def _address(cidr: str) -> str:
    try:
        return str(ip_network(cidr))
    except ValueError as e:
        try:
            hint = f"; did you mean {ip_interface(cidr).network}?"
        except ValueError:
            hint = "; write it such as 10.0.0.0/8"
        msg = f"{visible(cidr)[:64]!r} is no address block{hint}"
        raise BadInput(msg, field="from") from e


def _duration(duration: timedelta) -> timedelta:
    if not timedelta(0) < duration <= LONGEST_DURATION:
        msg = f"must be longer than nothing and at most {LONGEST_DURATION.days} days"
        raise BadInput(msg, field="duration")
    return duration


def _ticket(ticket: str | None) -> str | None:
    if ticket is not None and not _TICKET.fullmatch(ticket):
        msg = f"{visible(ticket)[:64]!r} is no ticket id; write it such as INC-4711"
        raise BadInput(msg, field="ticket")
    return ticket


def _unknown(kind: str, name: str, *, known: Iterable[str]) -> BadInput:
    names = sorted(known)
    near = difflib.get_close_matches(name[:128], names, n=3) or names[:5]
    hint = f"; there is {', '.join(near)}" if near else "; none is in the catalog yet"
    return BadInput(f"no {kind} is called {visible(name)[:64]!r}{hint}", field=kind)
