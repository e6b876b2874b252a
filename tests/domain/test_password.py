"""Passwords: valid for both products, and what Redis refuses."""

import string
from itertools import cycle

import pytest

from keylease.domain.access import Product
from keylease.domain.password import ALPHABET, new_password
from keylease.domain.password import is_acceptable as accepts
from keylease.domain.secret import Secret


def test_nothing_in_it_needs_quoting_or_looks_like_another() -> None:
    assert set(ALPHABET) <= set(string.ascii_letters + string.digits + "_-")
    assert set(ALPHABET).isdisjoint("0O1lI")
    assert len(set(ALPHABET)) == len(ALPHABET)


def test_it_is_drawn_again_until_every_class_is_in_it() -> None:
    # First 24 times `a`, then one that starts with a digit, then a good one.
    poor, bad, good = "a" * 24, "9aB_" * 6, "aB9_" * 6
    drawn = iter(poor + bad + good)

    assert new_password(lambda _: next(drawn)) == Secret(good)


def test_a_password_without_an_underscore_is_drawn_again() -> None:
    drawn = iter("aB9-" * 6 + "aB9_" * 6)

    assert new_password(lambda _: next(drawn)) == Secret("aB9_" * 6)


def test_characters_come_from_the_alphabet() -> None:
    asked = set[str]()
    letters = cycle("aB9_")

    def pick(alphabet: str) -> str:
        asked.add(alphabet)
        return next(letters)

    new_password(pick)
    assert asked == {ALPHABET}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Abcdef_1", True),
        ("Abcdefg1", True),
        ("abcdef_1", True),
        ("ABCDEF_1", True),
        ("Abcdefg_", True),
        ("Abcde_1", False),
        ("A1_" + "b" * 29, True),
        ("A1_" + "b" * 30, False),
        ("abcdefgh", False),
        ("abcdefg1", False),
        ("Abcdefgh", False),
        ("Abcdef 1", False),
        ("Abcdef~1", False),
        ("Äbcdef_1", False),
        ("", False),
        ("!@#$%^&*()_+-=aA", True),
    ],
)
def test_redis_wants_three_of_four_classes(text: str, expected: bool) -> None:
    assert accepts(Secret(text), product=Product.REDIS) is expected


def test_rocketmq_has_no_published_rule() -> None:
    assert accepts(Secret("1739867871"), product=Product.ROCKETMQ)
    assert not accepts(Secret(""), product=Product.ROCKETMQ)
