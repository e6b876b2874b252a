"""What a pattern matches."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.policy.patterns import block, covers, matcher

TEXTS = st.text(alphabet="ab.*", max_size=6)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("orders", "orders", True),
        ("orders", "orders-eu", False),
        ("orders*", "orders", True),
        ("orders*", "Orders", False),
        ("*", "", True),
        ("*-eu", "orders-eu", True),
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("a*c", "acb", False),
        ("a.c", "abc", False),
        ("a*", "a\nb", True),
        ("*b*", "a\nb\n", True),
    ],
)
def test_a_star_stands_for_any_characters_and_nothing_else_is_special(
    pattern: str, text: str, matches: bool
) -> None:
    assert matcher((pattern,))(text) is matches


@given(pattern=TEXTS, text=TEXTS)
def test_a_pattern_matches_like_the_regular_expression_that_it_means(
    pattern: str, text: str
) -> None:
    meant = "".join(".*" if c == "*" else re.escape(c) for c in pattern)

    assert matcher((pattern,))(text) == (re.fullmatch(meant, text) is not None)


@given(wide=TEXTS, narrow=TEXTS, text=st.text(alphabet="ab.", max_size=6))
def test_a_covering_pattern_matches_all_that_the_covered_one_matches(
    wide: str, narrow: str, text: str
) -> None:
    if covers(wide, narrow) and matcher((narrow,))(text):
        assert matcher((wide,))(text)


def test_several_patterns_match_what_any_of_them_matches() -> None:
    matches = matcher(("a", "b*", "*c"))

    assert [matches(text) for text in ("a", "bx", "xc", "ax")] == [True, True, True, False]


def test_prefixes_cover_longer_prefixes() -> None:
    assert covers("orders*", "orders-eu*")
    assert covers("orders*", "orders-*-x")
    assert not covers("orders-eu*", "orders*")
    assert not covers("*x", "*yx")


def test_blocks_of_two_families_never_meet() -> None:
    assert block("0.0.0.0/0") == "4:"
    assert block("::/0") == "6:"


def test_a_block_within_another_begins_with_its_bits() -> None:
    assert block("10.0.0.0/8") == "4:00001010"
    assert block("10.0.0.0/7") == "4:0000101"
    assert block("10.1.2.3") == "4:00001010000000010000001000000011"
    assert block("8000::/1") == "6:1"
