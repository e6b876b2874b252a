"""Sets of rules: which rules fit all parts, and which are in the most sets."""

import pytest

from keylease.policy.bits import Rows, each, lowest, most
from tests.support.policies import rule

DENIAL, FIRST, SECOND = 0b001, 0b010, 0b100
ROWS = Rows.of([rule("no", deny=True), rule("first"), rule("second")])
FITTING = {"both": FIRST | SECOND, "one": DENIAL | FIRST, "none": 0}


def test_denials_are_the_low_bits() -> None:
    assert ROWS.denials == DENIAL
    assert ROWS.permits == FIRST | SECOND


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        (("one",), DENIAL | FIRST),
        (("both", "one"), DENIAL | FIRST),
        (("one", "none"), DENIAL),
        ((), SECOND),
    ],
)
def test_a_permit_fits_all_parts_and_a_denial_any(parts: tuple[str, ...], rules: int) -> None:
    fitting = ROWS.over(FITTING.__getitem__, none=SECOND)

    assert fitting(parts) == rules


@pytest.mark.parametrize(
    ("within", "rules"),
    [
        ([], 0b111),
        ([0b011, 0b101], 0b001),
        ([0b110, 0b010, 0b100], 0b110),
        ([0b001] * 5 + [0b110] * 4, 0b001),
        ([0b1000] * 3, 0b111),
    ],
)
def test_the_most_is_counted_over_all_sets(within: list[int], rules: int) -> None:
    assert most(0b111, within=within) == rules


def test_bits_are_told_from_the_lowest_to_the_highest() -> None:
    assert list(each(0b10110)) == [0b10, 0b100, 0b10000]
    assert lowest(0b10110) == 0b10
    assert lowest(0) == 0
