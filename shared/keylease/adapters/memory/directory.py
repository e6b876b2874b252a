"""People and things to ask for, from values."""

from collections.abc import Iterable, Mapping

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.people import ExternalId, Principal


class MemoryDirectory:
    """Keeps `ports.directory.Directory`. A principal is known by its addresses, and by `known`."""

    def __init__(
        self, principals: Iterable[Principal] = (), /, *, known: Mapping[ExternalId, str] = {}
    ) -> None:
        self._principals = {principal.id: principal for principal in principals}
        self._known = dict(known)

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        id_ = self._known.get(external)
        if id_ is not None:
            return self._principals.get(id_)
        holders = [p for p in self._principals.values() if external in p.addresses]
        return holders[0] if len(holders) == 1 else None

    async def principal(self, id: str, /) -> Principal | None:
        return self._principals.get(id)

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        return tuple(p for p in self._principals.values() if group == p.id or group in p.groups)

    def put(self, principal: Principal, /) -> None:
        """Somebody joins, or changes groups."""
        self._principals[principal.id] = principal

    def remove(self, id: str, /) -> None:
        """Somebody leaves."""
        del self._principals[id]


class MemoryCatalog:
    """Keeps `ports.directory.Catalog`."""

    def __init__(
        self,
        *,
        targets: Iterable[Target] = (),
        entitlements: Iterable[Entitlement] = (),
        standing: Iterable[StandingAccount] = (),
    ) -> None:
        self._targets = {target.id: target for target in targets}
        self._entitlements = {entitlement.id: entitlement for entitlement in entitlements}
        self._standing = tuple(standing)

    def target(self, id: str, /) -> Target | None:
        return self._targets.get(id)

    def targets(self) -> tuple[Target, ...]:
        return tuple(target for _, target in sorted(self._targets.items()))

    def entitlement(self, id: str, /) -> Entitlement | None:
        return self._entitlements.get(id)

    def entitlements(self) -> tuple[Entitlement, ...]:
        return tuple(entitlement for _, entitlement in sorted(self._entitlements.items()))

    def standing(self) -> tuple[StandingAccount, ...]:
        return self._standing
