"""Who people are, and what can be asked for."""

from typing import Protocol

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.people import ExternalId, Principal


class Directory(Protocol):
    """Maps immutable outside ids to principals. Read at decision time and again at grant time."""

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        """The principal behind an outside id, or None when nobody is."""
        ...

    async def principal(self, id: str, /) -> Principal | None:
        """The principal with that id, with its groups as they are now, or None."""
        ...

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        """Everybody in a group; a principal's id is the group of that one."""
        ...


class Catalog(Protocol):
    """What can be asked for, on which targets. Local and cheap."""

    def target(self, id: str, /) -> Target | None:
        """The target of that name, or None."""
        ...

    def targets(self) -> tuple[Target, ...]:
        """All targets, by name."""
        ...

    def entitlement(self, id: str, /) -> Entitlement | None:
        """The entitlement of that name, or None."""
        ...

    def entitlements(self) -> tuple[Entitlement, ...]:
        """All entitlements, by name."""
        ...

    def standing(self) -> tuple[StandingAccount, ...]:
        """All declared standing accounts."""
        ...
