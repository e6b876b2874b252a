"""Passwords that both products take and that nothing needs to quote."""

import string
from collections.abc import Callable
from typing import Final

from keylease.domain.access import Product
from keylease.domain.secret import Secret

LENGTH: Final = 24
_LETTERS: Final = "".join(c for c in string.ascii_letters if c not in "IOl")
_DIGITS: Final = "23456789"
"""People read passwords aloud and type them: no 0 and O, no 1, l and I."""
ALPHABET: Final = _LETTERS + _DIGITS + "_-"

_SPECIALS: Final = "!@#$%^&*()_+-="
_CLASSES: Final = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SPECIALS)
_REDIS_LENGTHS: Final = range(8, 33)
_REDIS_CLASSES: Final = 3


def new_password(pick: Callable[[str], str], /) -> Secret:
    """A password of letters, digits, `_` and `-`; `pick` draws one character at random.

    It starts with a letter, so that no command line takes it for an option, and is drawn again
    until every class is in it: each valid password is equally likely.
    """
    while True:
        text = "".join(pick(ALPHABET) for _ in range(LENGTH))
        if text[0] in _LETTERS and "_" in text and _classes(text) == len(_CLASSES):
            return Secret(text)


def is_acceptable(password: Secret, /, *, product: Product) -> bool:
    """Whether the product's documented rules let it pass; RocketMQ publishes none."""
    text = password.reveal()
    if product is not Product.REDIS:
        return bool(text)
    return (
        len(text) in _REDIS_LENGTHS
        and set(text) <= set("".join(_CLASSES))
        and _classes(text) >= _REDIS_CLASSES
    )


def _classes(text: str) -> int:
    return sum(not set(text).isdisjoint(kind) for kind in _CLASSES)
