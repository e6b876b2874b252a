"""ACL rows and permissions: two spellings of one thing."""

from ipaddress import ip_network

from keylease.adapters.alibaba.rocketmq import PRODUCT, AclRule
from keylease.adapters.alibaba.rocketmq_wire import Acl
from keylease.domain.access import Action, Permission, ResourceType
from keylease.errors import ProviderRefused

EVERYWHERE = "0.0.0.0/0"
TYPES = {ResourceType.TOPIC: "Topic", ResourceType.GROUP: "Group"}
_WHOLE_NETS = frozenset({ip_network(EVERYWHERE), ip_network("::/0")})


def type_of(resource: ResourceType, /) -> str:
    """The vendor's word."""
    return TYPES[resource]


def rule_of(permission: Permission, /, *, username: str) -> AclRule:
    """The whole row, with an explicit whitelist: an omitted one has no documented meaning."""
    return AclRule(
        username=username,
        resource_type=type_of(permission.resource),
        resource_name=permission.name,
        actions=tuple(sorted(permission.actions)),
        ip_whitelists=tuple(sorted(permission.whitelist)) or (EVERYWHERE,),
    )


def permission_of(row: Acl, /) -> Permission:
    """The row in our words; one that says what we do not know is not guessed at.

    Raises:
        ProviderRefused: an unknown resource type or action.
    """
    try:
        return Permission(
            resource=ResourceType(row.resource_type.lower()),
            name=row.resource_name,
            actions=frozenset(Action(word) for word in row.actions),
            whitelist=_whitelist(row.ip_whitelists),
        )
    except ValueError:
        failure = ProviderRefused(PRODUCT, "UnreadableAcl")
    raise failure


def is_same(row: Acl, rule: AclRule, /) -> bool:
    """Whether the row gives exactly what the rule asked for."""
    return (
        row.decision.lower() == rule.decision.lower()
        and frozenset(row.actions) == frozenset(rule.actions)
        and _whitelist(row.ip_whitelists) == _whitelist(rule.ip_whitelists)
    )


def _whitelist(entries: tuple[str, ...]) -> frozenset[str]:
    """As given, except that a list which lets everybody in is the empty set."""
    return frozenset() if any(map(_is_everywhere, entries)) else frozenset(entries)


def _is_everywhere(entry: str) -> bool:
    try:
        return ip_network(entry, strict=False) in _WHOLE_NETS
    except ValueError:
        return False
