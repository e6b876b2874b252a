"""All rules side by side: which of them a request matches, and which permit comes nearest.

Each column answers for all rules at once. So a decision costs about the same for ten rules and
for a thousand, and nothing that is kept depends on earlier requests.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from keylease.domain.access import Permission
from keylease.domain.request import Asked
from keylease.policy import columns
from keylease.policy.bits import Rows, first, most
from keylease.policy.conditions import Circumstance, circumstances_of, ownership_of
from keylease.policy.facts import Scene
from keylease.policy.model import Rule

_Shared = tuple[tuple[int, Callable[[Scene], bool]], ...]
"""Rules with a circumstance in common, and whether it is unmet."""


class Table:
    """Rules, denials before permits, each with a bit."""

    __slots__ = (
        "_actions",
        "_addresses",
        "_circumstances",
        "_durations",
        "_names",
        "_ownership",
        "_people",
        "_rows",
        "_targets",
        "_without_ticket",
    )

    def __init__(self, rules: Iterable[Rule], /) -> None:
        rows: Final = Rows.of(rules)
        self._rows = rows
        self._people = columns.people(rows)
        self._targets = columns.targets(rows)
        self._names = columns.names(rows)
        self._actions = columns.actions(rows)
        self._addresses = columns.addresses(rows)
        self._durations = columns.durations(rows)
        self._without_ticket = sum(bit for bit, rule in rows if rule.when.ticket is None)
        self._ownership = _shared(
            (bit, ownership_of(rule)) for bit, rule in rows if bit & rows.permits
        )
        self._circumstances = _shared(
            (bit, circumstance) for bit, rule in rows for circumstance in circumstances_of(rule)
        )

    def matching(self, scene: Scene, /) -> int:
        """Every deny that applies and every permit whose conditions all hold."""
        asked = scene.asked
        rules = (
            self._targets(asked.target)
            & self._people(scene.principal)
            & self._durations(asked.duration)
            & self._touched(asked.permissions)
        )
        if not _has_ticket(asked):
            rules &= self._without_ticket
        for concerned, is_unmet in self._asked_of(asked) if rules else ():
            if rules & concerned and is_unmet(scene):
                rules &= ~concerned
        return rules

    def nearest(self, scene: Scene, /) -> int | None:
        """The number of the permit with the fewest unmet conditions.

        Of several the one that is most about what is asked for, then the first in file order.
        """
        scope = tuple(self._scope(scene.asked))
        nearest = most(self._rows.permits, within=(*scope, *self._terms(scene)))
        return first(most(nearest, within=scope)) if nearest else None

    def _touched(self, permissions: tuple[Permission, ...]) -> int:
        if len(permissions) == 1:  # spares half of the time of the usual request
            return self._touching(permissions[0])
        return self._rows.joined(map(self._touching, permissions))

    def _touching(self, permission: Permission) -> int:
        return (
            self._names[permission.resource._value_](permission.name)
            & self._actions[permission.actions]
            & self._addresses(permission.whitelist)
        )

    def _asked_of(self, asked: Asked) -> _Shared:
        if asked.account is None:
            return self._circumstances
        return self._ownership + self._circumstances

    def _scope(self, asked: Asked) -> Iterator[int]:
        """The permits that each thing asked for fits; a rule about something else is far away."""
        yield self._targets(asked.target)
        for permission in asked.permissions:
            yield self._names[permission.resource._value_](permission.name)
            yield self._actions[permission.actions]

    def _terms(self, scene: Scene) -> Iterator[int]:
        """The permits that everything else fits."""
        asked = scene.asked
        yield self._people(scene.principal)
        yield self._durations(asked.duration)
        yield self._rows.joined(self._addresses(p.whitelist) for p in asked.permissions)
        if not _has_ticket(asked):
            yield self._without_ticket
        for concerned, is_unmet in self._asked_of(asked):
            if is_unmet(scene):
                yield self._rows.all & ~concerned


def _has_ticket(asked: Asked) -> bool:
    return asked.ticket is not None and bool(asked.ticket.strip())


def _shared(pairs: Iterable[tuple[int, Circumstance]]) -> _Shared:
    """Each circumstance once."""
    found: dict[tuple[object, ...], tuple[int, Callable[[Scene], bool]]] = {}
    for bit, circumstance in pairs:
        bits, _ = found.get(circumstance.key, (0, None))
        found[circumstance.key] = (bits | bit, circumstance.unmet)
    return tuple(found.values())
