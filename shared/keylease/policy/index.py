"""Finds the few rules that can concern a permission, without looking at the others.

Rules are filed by kind of resource, action, target and name; the numbers that come back are
positions in the file, in rising order. The index only leaves out rules that cannot match.
"""

from collections.abc import Iterable, Iterator

from keylease.domain.access import ACTIONS_OF, Action, Permission, ResourceType
from keylease.policy.model import Rule
from keylease.policy.patterns import is_prefix

_Slot = tuple[str, str, str | None]
"""Plain strings: an enum member hashes in Python, which is five times slower."""


class Index:
    """Rule numbers by (resource, action, target) and then by name."""

    __slots__ = ("_slots",)

    def __init__(self, rules: Iterable[tuple[int, Rule]], /) -> None:
        self._slots: dict[_Slot, _Names] = {}
        for number, rule in rules:
            for slot, pattern in _places(rule):
                self._slots.setdefault(slot, _Names()).add(number, pattern=pattern)

    def around(self, permission: Permission, /, *, action: Action, target: str) -> list[int]:
        """Rules that can concern one action on one resource of a target."""
        kind, act = permission.resource._value_, action._value_
        found: list[int] = []
        there = self._slots.get((kind, act, target))
        if there is not None:
            there.collect(permission.name, into=found)
        anywhere = self._slots.get((kind, act, None))
        if anywhere is not None:
            anywhere.collect(permission.name, into=found)
        return sorted(set(found)) if len(found) > 1 else found


class _Names:
    __slots__ = ("_exact", "_lengths", "_others", "_prefixes")

    def __init__(self) -> None:
        self._exact: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._lengths: tuple[int, ...] = ()
        self._others: list[int] = []

    def add(self, number: int, *, pattern: str) -> None:
        if "*" not in pattern:
            self._exact.setdefault(pattern, []).append(number)
        elif is_prefix(pattern):
            self._prefixes.setdefault(pattern[:-1], []).append(number)
            self._lengths = tuple(sorted({*self._lengths, len(pattern) - 1}))
        else:
            self._others.append(number)

    def collect(self, name: str, *, into: list[int]) -> None:
        into += self._others
        into += self._exact.get(name, ())
        for length in self._lengths:
            into += self._prefixes.get(name[:length], ())


def _places(rule: Rule) -> Iterator[tuple[_Slot, str]]:
    literal = [t for t in rule.may.target if "*" not in t]
    targets = literal if rule.may.target and len(literal) == len(rule.may.target) else [None]
    resources = rule.may.resources or dict.fromkeys(ResourceType, ("*",))
    for kind, patterns in resources.items():
        for action in ACTIONS_OF[kind].intersection(rule.may.actions or ACTIONS_OF[kind]):
            for target in targets:
                for pattern in patterns:
                    yield (kind.value, action.value, target), pattern
