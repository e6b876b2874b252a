"""All rules side by side: which of them a request matches, and which permit comes nearest.

Each column answers for all rules at once. So a decision costs about the same for ten rules and
for a thousand, and nothing that is kept depends on earlier requests.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy import columns
from keylease.policy.bits import Rows, lowest, most
from keylease.policy.conditions import Circumstance, circumstances_of, ownership_of
from keylease.policy.facts import Facts, Scene
from keylease.policy.model import Rule

_Shared = tuple[tuple[int, Callable[[Scene], bool]], ...]
"""Rules with a circumstance in common, and whether it is unmet."""


class Table:
    """Rules, denials before permits, each with a bit."""

    __slots__ = (
        "_access",
        "_actions",
        "_addresses",
        "_circumstances",
        "_durations",
        "_everywhere",
        "_names",
        "_ownership",
        "_people",
        "_rows",
        "_targets",
        "_ticketed",
    )

    def __init__(self, rules: Iterable[Rule], /) -> None:
        rows: Final = Rows.of(rules)
        self._rows = rows
        self._people = columns.people(rows)
        self._targets = columns.targets(rows)
        self._names = columns.names(rows)
        self._actions = columns.actions(rows)
        self._addresses = columns.addresses(rows)
        self._access = columns.access(
            rows, names=self._names, actions=self._actions, addresses=self._addresses
        )
        self._everywhere = rows.over(self._addresses)
        self._durations = columns.durations(rows)
        self._ticketed = sum(bit for bit, rule in rows if rule.when.ticket is not None)
        self._ownership = _shared(
            (bit, ownership_of(rule)) for bit, rule in rows if bit & rows.permits
        )
        self._circumstances = _shared(
            (bit, circumstance) for bit, rule in rows for circumstance in circumstances_of(rule)
        )

    def matching(
        self, asked: Asked, /, *, principal: Principal, facts: Facts, now: datetime
    ) -> int:
        """Every deny that applies and every permit whose conditions all hold."""
        rules = self._targets(asked.target) & self._durations(asked.duration)
        if rules:
            rules &= self._access(asked.permissions)
        if rules:
            rules &= self._people(principal)
        if rules & self._ticketed and _lacks_ticket(asked):
            rules &= ~self._ticketed
        if rules and (self._circumstances or asked.account is not None):
            return self._holding(rules, scene=Scene.of(asked, facts=facts, now=now))
        return rules

    def nearest(self, scene: Scene, /) -> int:
        """The permit with the fewest unmet conditions; 0 when there is no permit.

        Of several the one that is most about what is asked for, then the first in file order.
        """
        scope = self._scope(scene.asked)
        nearest = most(self._rows.permits, within=[*scope, *self._terms(scene)])
        first = lowest(nearest)
        return first if nearest == first else lowest(most(nearest, within=scope))

    def _holding(self, rules: int, *, scene: Scene) -> int:
        """Those of the rules whose circumstances hold."""
        for concerned, is_unmet in self._asked_of(scene.asked):
            if rules & concerned and is_unmet(scene):
                rules &= ~concerned
        return rules

    def _asked_of(self, asked: Asked) -> _Shared:
        if asked.account is None:
            return self._circumstances
        return self._ownership + self._circumstances

    def _scope(self, asked: Asked) -> list[int]:
        """The permits that each thing asked for fits; a rule about something else is far away."""
        scope = [self._targets(asked.target)]
        for permission in asked.permissions:
            scope.append(self._names[permission.resource._value_](permission.name))
            scope.append(self._actions[permission.actions])
        return scope

    def _terms(self, scene: Scene) -> list[int]:
        """The permits that everything else fits."""
        asked, everything = scene.asked, self._rows.all
        terms = [
            self._people(scene.principal),
            self._durations(asked.duration),
            self._everywhere([p.whitelist for p in asked.permissions]),
        ]
        if _lacks_ticket(asked):
            terms.append(everything & ~self._ticketed)
        for concerned, is_unmet in self._asked_of(asked):
            if is_unmet(scene):
                terms.append(everything & ~concerned)
        return terms


def _lacks_ticket(asked: Asked) -> bool:
    """Whether none is named; a blank one is none."""
    return not (asked.ticket or "").strip()


def _shared(pairs: Iterable[tuple[int, Circumstance]]) -> _Shared:
    """Each circumstance once."""
    found: dict[tuple[object, ...], tuple[int, Callable[[Scene], bool]]] = {}
    for bit, circumstance in pairs:
        bits, _ = found.get(circumstance.key, (0, None))
        found[circumstance.key] = (bits | bit, circumstance.unmet)
    return tuple(found.values())
