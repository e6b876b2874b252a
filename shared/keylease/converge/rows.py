"""One ACL row serves many permissions only if it widens none of them.

RocketMQ keeps one row per (account, resource type, resource name): actions times
addresses. A union of such products is a product again only sometimes.
"""

from collections.abc import Iterable

from keylease.domain.access import Permission, addresses_within


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


def _addresses(parts: Iterable[Permission]) -> frozenset[str]:
    """All addresses that these let in; empty, as everywhere, is all."""
    lists = [part.whitelist for part in parts]
    return frozenset[str]() if not all(lists) else frozenset[str]().union(*lists)
