"""Sets of rules as the bits of an int, which meet and join at about one price for any number.

Denials are the low bits and permits follow, both in file order: so the lowest bit of all rules
that match is the rule that decides.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from keylease.policy.model import Rule

T = TypeVar("T")
Fitting = Callable[[T], int]
"""From a part of a request to the rules that it fits."""


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

    def over(self, fitting: Fitting[T], /, *, none: int = 0) -> Fitting[Collection[T]]:
        """From what fits one part to what fits several: permits fit all of them, denials any.

        `none` is what fits no part at all.
        """
        permits, denials = self.permits, self.denials

        def fitting_all(parts: Collection[T]) -> int:
            if len(parts) == 1:  # the usual request, in half of the time
                (part,) = parts
                return fitting(part)
            every, some = permits, 0
            for part in parts:
                one = fitting(part)
                every &= one
                some |= one
            return every | some & denials if parts else none

        return fitting_all


def lowest(rules: int, /) -> int:
    """The bit of the first rule; 0 when there is none."""
    return rules & -rules


def each(rules: int, /) -> Iterator[int]:
    """The bits one by one, lowest first."""
    while rules:
        yield rules & -rules
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
            if not carry:
                break
        if carry:
            digits.append(carry)
    for digit in reversed(digits):
        rules = rules & digit or rules
    return rules
