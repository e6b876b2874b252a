"""One kind of condition of all rules at once: from a part of a request to the rules that it fits.

Each function reads the rules when a policy is loaded, and gives back the question that is put for
every request. A rule without such a condition fits everything.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from itertools import chain

from keylease.domain.access import CHOICES_OF, Action, Permission, ResourceType
from keylease.domain.people import Principal
from keylease.policy.bits import Fitting, Rows
from keylease.policy.patterns import FAMILY, block, is_prefix, matcher

_ANY = ("*",)


def people(rows: Rows, /) -> Fitting[Principal]:
    """Rules that name the requester."""
    named = [(bit, rule.who) for bit, rule in rows if rule.who is not None]
    anyone = rows.all ^ sum(bit for bit, who in named if not who.anyone)
    groups = _filed((bit, who.groups) for bit, who in named)
    persons = _filed((bit, who.people) for bit, who in named)
    workloads = _filed((bit, who.workloads) for bit, who in named)

    def fitting(principal: Principal) -> int:
        found = anyone
        for group in principal.groups:
            if group in groups:  # most are in none of the rules
                found |= groups[group]
        if persons or workloads:
            ids = workloads if principal.is_workload else persons
            found |= ids.get(principal.id, 0)
        return found

    return fitting


def targets(rows: Rows, /) -> Fitting[str]:
    """Rules that are about a target."""
    return _texts((bit, rule.may.target or _ANY) for bit, rule in rows)


def names(rows: Rows, /) -> Mapping[str, Fitting[str]]:
    """By kind of resource the rules that are about a name.

    Keyed by plain strings: an enum member hashes in Python, which is five times slower.
    """
    resources = [
        (bit, rule.may.resources or dict.fromkeys(ResourceType, _ANY)) for bit, rule in rows
    ]
    return {
        kind.value: _texts((bit, named.get(kind, ())) for bit, named in resources)
        for kind in ResourceType
    }


def actions(rows: Rows, /) -> Mapping[frozenset[Action], int]:
    """For all that can be asked of one resource: permits of all of it, denials of any of it."""
    allowing = [(bit, rule.may.actions or tuple(Action)) for bit, rule in rows]
    of_one = {action: sum(bit for bit, some in allowing if action in some) for action in Action}
    fitting = rows.over(of_one.__getitem__)
    return {chosen: fitting(chosen) for chosen in chain.from_iterable(CHOICES_OF.values())}


def addresses(rows: Rows, /) -> Fitting[frozenset[str]]:
    """Permits that all of the blocks lie within, denials that any of them meets.

    No block at all is everywhere, which lies within nothing and meets everything.
    """
    limited = [(bit, tuple(map(block, rule.when.ip_within))) for bit, rule in rows]
    free = sum(bit for bit, blocks in limited if not blocks)
    within = _texts((bit, [f"{outer}*" for outer in blocks]) for bit, blocks in limited)
    around = _filed(
        (bit, chain.from_iterable(map(_wider, blocks)))
        for bit, blocks in limited
        if bit & rows.denials
    )

    def meeting(cidr: str) -> int:
        asked = block(cidr)
        return free | within(asked) | around.get(asked, 0)

    # Reading addresses costs more than all the rest of a decision.
    return lru_cache(maxsize=1024)(rows.over(meeting, none=free | rows.denials))


def access(
    rows: Rows,
    /,
    *,
    names: Mapping[str, Fitting[str]],
    actions: Mapping[frozenset[Action], int],
    addresses: Fitting[frozenset[str]],
) -> Fitting[Collection[Permission]]:
    """Rules that all parts of all permissions fit, by the columns of the parts."""

    def fitting(permission: Permission) -> int:
        rules = names[permission.resource._value_](permission.name) & actions[permission.actions]
        return rules and rules & addresses(permission.whitelist)

    return rows.over(fitting)


def durations(rows: Rows, /) -> Fitting[timedelta]:
    """Rules that allow as much time."""
    longest = [(bit, rule.granted.max_duration) for bit, rule in rows if not rule.deny]
    steps = sorted({most for _, most in longest})
    allowing = [sum(bit for bit, most in longest if most >= step) for step in steps]
    allowing = [rows.denials | bits for bits in (*allowing, 0)]
    return lambda duration: allowing[bisect_left(steps, duration)]


class _Otherwise(dict[str, int]):
    """Rules by text, with those that all other texts fit; faster than a function would be."""

    __slots__ = ("_always",)

    def __init__(self, exact: Mapping[str, int], always: int, /) -> None:
        super().__init__(exact)
        self._always = always

    def __missing__(self, text: str, /) -> int:
        return self._always


def _filed(pairs: Iterable[tuple[int, Iterable[str]]], /) -> dict[str, int]:
    """Rules by each of their words."""
    found: dict[str, int] = {}
    for bit, words in pairs:
        for word in words:
            found[word] = found.get(word, 0) | bit
    return found


def _texts(pairs: Iterable[tuple[int, Iterable[str]]], /) -> Fitting[str]:
    """Rules with a pattern that matches a text; only patterns with an inner `*` are tried out."""
    patterns = _filed(pairs)
    prefixes = {text[:-1]: bits for text, bits in patterns.items() if is_prefix(text)}
    always = prefixes.pop("", 0)
    exact = {text: bits | always for text, bits in patterns.items() if "*" not in text}
    lengths = sorted(set(map(len, prefixes)))
    others = [
        (matcher((text,)), bits)
        for text, bits in patterns.items()
        if "*" in text and not is_prefix(text)
    ]

    def beginning(text: str) -> int:
        found = exact.get(text, always)
        for length in lengths:
            found |= prefixes.get(text[:length], 0)
        return found

    def matching(text: str) -> int:
        found = beginning(text)
        for matches, bits in others:
            if matches(text):
                found |= bits
        return found

    if others:
        return matching
    return beginning if lengths else _Otherwise(exact, always).__getitem__


def _wider(inner: str, /) -> Iterable[str]:
    """Every block of the same family that `inner` lies within."""
    return (inner[:length] for length in range(FAMILY, len(inner)))
