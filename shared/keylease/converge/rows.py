"""One ACL row serves many permissions only if it widens none of them.

RocketMQ keeps one row per (account, resource type, resource name): actions times
addresses. A union of such products is a product again only sometimes.
"""

from collections import defaultdict
from collections.abc import Iterable

from keylease.domain.access import Permission, RowKey, addresses_within
from keylease.domain.account import Account
from keylease.domain.lease import Lease


def merge(permissions: Iterable[Permission], /) -> Permission | None:
    """The one row that gives exactly what all of these give, or None when only a wider one could.

    All have the same key; at least one is given.
    """
    parts = tuple(permissions)
    actions = frozenset[str]().union(*(part.actions for part in parts))
    everywhere = _addresses(parts)
    for action in actions:
        reach = _addresses(part for part in parts if action in part.actions)
        if not addresses_within(everywhere, reach):
            return None
    return Permission(
        resource=parts[0].resource,
        name=parts[0].name,
        actions=frozenset().union(*(part.actions for part in parts)),
        whitelist=everywhere,
    )


def clash(
    account: Account | None, leases: tuple[Lease, ...], wanted: tuple[Permission, ...], /
) -> tuple[str, ...]:
    """Why `wanted` cannot be served beside these leases without widening; empty: it can."""
    parts = parts_of(account, leases)
    for permission in wanted:
        parts[permission.key].append(permission)
    return tuple(
        f"{resource} {name}: one rule of this account cannot give both what was asked and what "
        "others hold without giving more; ask for a dedicated account"
        for (resource, name), permissions in parts.items()
        if merge(permissions) is None
    )


def parts_of(
    account: Account | None, leases: tuple[Lease, ...], /
) -> defaultdict[RowKey, list[Permission]]:
    """Everything that each row of the account gives: its baseline, then lease by lease."""
    parts: defaultdict[RowKey, list[Permission]] = defaultdict(list)
    for row in account.managed if account else ():
        if row.before is not None:
            parts[row.key].append(row.before)
    for lease in leases:
        for permission in lease.permissions:
            parts[permission.key].append(permission)
    return parts


def _addresses(parts: Iterable[Permission]) -> frozenset[str]:
    """All addresses that these let in; empty, as everywhere, is all."""
    lists = [part.whitelist for part in parts]
    return frozenset[str]() if not all(lists) else frozenset[str]().union(*lists)
