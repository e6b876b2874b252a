"""Sets of rules as the bits of an int, which meet and join at about one price for any number.

Denials are the low bits and permits follow, both in file order: so the lowest bit of all rules
that match is the rule that decides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keylease.policy.model import Rule


@dataclass(frozen=True, slots=True)
class Rows:
    """The rules of a policy, each with its bit."""

    rules: tuple[Rule, ...]
    denials: int
    """Bits of the deny rules."""
    permits: int

    @property
    def all(self) -> int:
        return self.denials | self.permits

    @classmethod
    def of(cls, rules: Iterable[Rule], /) -> "Rows":
        """Of rules whose denials stand before their permits."""
        ordered = tuple(rules)
        denials = (1 << sum(rule.deny for rule in ordered)) - 1
        return cls(ordered, denials, (1 << len(ordered)) - 1 ^ denials)

    def __iter__(self) -> Iterator[tuple[int, Rule]]:
        for number, rule in enumerate(self.rules):
            yield 1 << number, rule

    def joined(self, parts: Iterable[int], /) -> int:
        """Of what is asked in several parts: a permit must fit all of them, a deny any."""
        every, some = self.permits, 0
        for part in parts:
            every &= part
            some |= part
        return every | some & self.denials


def first(rules: int, /) -> int:
    """The number of the lowest bit."""
    return (rules & -rules).bit_length() - 1


def each(rules: int, /) -> Iterator[int]:
    """The numbers of all bits, lowest first."""
    while rules:
        yield first(rules)
        rules &= rules - 1


def most(rules: int, /, *, within: Iterable[int]) -> int:
    """Those of the rules that are in the most of some sets.

    The sets are added up in binary: digit `k` holds bit `k` of the count of every rule.
    """
    digits: list[int] = []
    for part in within:
        carry = part
        for place, digit in enumerate(digits):
            digits[place], carry = digit ^ carry, digit & carry
        if carry:
            digits.append(carry)
    for digit in reversed(digits):
        rules = rules & digit or rules
    return rules
