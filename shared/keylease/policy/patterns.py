"""How rules compare text and addresses: `*` globs and address blocks."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

Matcher = Callable[[str], bool]
FAMILY: Final = len("4:")
"""Letters of `block` in front of the bits."""


def matcher(patterns: tuple[str, ...], /) -> Matcher:
    """Whether a text equals one of the patterns; `*` stands for any characters, also none."""
    exact = frozenset(p for p in patterns if "*" not in p)
    prefixes = tuple(p[:-1] for p in patterns if is_prefix(p))
    others = [p for p in patterns if "*" in p and not is_prefix(p)]
    if not others and not prefixes:
        return exact.__contains__
    if not others:
        return lambda text: text in exact or text.startswith(prefixes)
    whole = re.compile("|".join(_regex(p) for p in others), re.DOTALL)
    return lambda text: (
        text in exact or text.startswith(prefixes) or whole.fullmatch(text) is not None
    )


def is_prefix(pattern: str, /) -> bool:
    """Whether its only `*` is at its end."""
    return pattern.endswith("*") and pattern.count("*") == 1


def covers(wide: str, narrow: str, /) -> bool:
    """Whether `wide` surely matches all that `narrow` matches; False when in doubt."""
    if wide in (narrow, "*"):
        return True
    if "*" not in narrow:
        return matcher((wide,))(narrow)
    return is_prefix(wide) and narrow.split("*", 1)[0].startswith(wide[:-1])


def _regex(pattern: str) -> str:
    return ".*".join(re.escape(piece) for piece in pattern.split("*"))


@lru_cache(maxsize=4096)
def block(cidr: str, /) -> str:
    """The bits that all addresses of a CIDR block begin with, behind their family: `4:00001010`.

    So a block lies within those whose text its own begins with. ValueError when it is none.
    """
    net = ip_network(cidr, strict=False)
    bits = f"{int(net.network_address):0{net.max_prefixlen}b}"
    return f"{net.version}:{bits[: net.prefixlen]}"
