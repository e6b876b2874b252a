"""What is protected and what may be done with it: target, permission, entitlement."""

from enum import StrEnum
from ipaddress import ip_network
from itertools import combinations

from keylease.domain.record import Value
from keylease.domain.schedule import Schedule


class Product(StrEnum):
    """The products that keylease can change."""

    ROCKETMQ = "rocketmq"
    REDIS = "redis"


class ResourceType(StrEnum):
    """Kinds of things inside a target."""

    TOPIC = "topic"
    GROUP = "group"
    CACHE = "cache"
    """The whole Redis/Tair instance; its name is always `*`."""


class Action(StrEnum):
    """What may be done with a resource."""

    PUB = "Pub"
    SUB = "Sub"
    READ = "read"
    WRITE = "write"


ACTIONS_OF = {
    ResourceType.TOPIC: frozenset({Action.PUB, Action.SUB}),
    ResourceType.GROUP: frozenset({Action.SUB}),
    ResourceType.CACHE: frozenset({Action.READ, Action.WRITE}),
}
CHOICES_OF = {
    kind: frozenset(
        frozenset(chosen)
        for count in range(1, len(possible) + 1)
        for chosen in combinations(possible, count)
    )
    for kind, possible in ACTIONS_OF.items()
}
"""By kind of resource all that can be asked of one at once: at least one of its actions."""
RESOURCES_OF = {
    Product.ROCKETMQ: frozenset({ResourceType.TOPIC, ResourceType.GROUP}),
    Product.REDIS: frozenset({ResourceType.CACHE}),
}

RowKey = tuple[ResourceType, str]


class Permission(Value):
    """Actions on one resource of a target, from some addresses: what is compared and merged."""

    resource: ResourceType
    name: str
    """Topic name, consumer group id, or `*` for a cache."""
    actions: frozenset[Action]
    whitelist: frozenset[str] = frozenset()
    """CIDR blocks that a client must come from; empty: from anywhere."""

    @property
    def key(self) -> RowKey:
        """What identifies the one row that RocketMQ keeps for it."""
        return (self.resource, self.name)

    def is_within(self, other: "Permission", /) -> bool:
        """Whether this gives nothing that `other` does not give."""
        return (
            self.key == other.key
            and self.actions <= other.actions
            and addresses_within(self.whitelist, other.whitelist)
        )

    def __str__(self) -> str:
        where = f" from {', '.join(sorted(self.whitelist))}" if self.whitelist else ""
        return f"{'|'.join(sorted(self.actions))} on {self.resource} {self.name}{where}"


def addresses_within(inner: frozenset[str], outer: frozenset[str], /) -> bool:
    """Whether every address that `inner` lets in is let in by `outer`; empty lets in all."""
    if not outer:
        return True
    nets = [ip_network(cidr, strict=False) for cidr in outer]
    return bool(inner) and all(
        any(_contains(net, ip_network(cidr, strict=False)) for net in nets) for cidr in inner
    )


def _contains(outer: object, inner: object) -> bool:
    try:
        return inner.subnet_of(outer)  # type: ignore[attr-defined,no-any-return]  # v4 or v6 networks
    except TypeError:  # different address families
        return False


class Target(Value):
    """One protected instance."""

    id: str
    """Its name in the catalog, such as `rmq-prod`."""
    product: Product
    instance_id: str
    """Its id at the cloud, such as `rmq-cn-7e22ody0001`."""
    region: str
    labels: dict[str, str] = {}
    """Free facts for policy rules, such as `env: prod`."""
    account_limit: int | None = None
    """Accounts that keylease may hold there at once (Redis takes 18 in all); None: no limit."""


class StandingAccount(Value):
    """A service's own account, which keylease changes but never makes or removes."""

    target: str
    username: str
    owner: str
    """The principal who claims each new password."""
    rotation: Schedule | None = None

    @property
    def id(self) -> str:
        return account_id(target=self.target, username=self.username)


class Entitlement(Value):
    """A named bundle of permissions that people ask for by name."""

    id: str
    title: str = ""
    target: str
    permissions: tuple[Permission, ...]
    account: str | None = None
    """Username of the standing account that receives it; None: a dedicated one per lease."""


def account_id(*, target: str, username: str) -> str:
    """The id of the account record: one per user name on a target."""
    return f"{target}/{username}"
