"""What must never reach a log line: known by type, by the name of its key, or by its shape."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import SecretBytes, SecretStr

from keylease.domain.secret import REDACTED, Secret

SECRET_KEY = re.compile(
    r"passw|secret|token(?!_hash)|authori[sz]ation|credential(?!s?_?id)|cookie|signature|"
    r"sealed|ciphertext|private",
    re.IGNORECASE,
)
"""Names whose values are never shown, whatever they hold; ids and hashes may be."""
_SHAPES = (
    re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"),
    re.compile(r"\bxox[a-z]-[A-Za-z0-9-]+"),
    re.compile(r"\bxapp-[A-Za-z0-9-]+"),
    re.compile(r"(?<=Bearer )[^\s\"']+", re.IGNORECASE),
    re.compile(r"(?<=Signature=)[0-9a-fA-F]{16,}"),
    # 256 random bits as we write them: 43 characters of URL-safe base64 behind a slash or hash.
    re.compile(r"(?<=[/#=])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
)
_QUERY = re.compile(r"(?<=\?)[^\s\"'<>#]*=[^\s\"'<>]*")
"""A query: RocketMQ's own API carries passwords there."""
_MAYBE = re.compile(r"whsec_|xox|xapp-|/|#|=|\?|b[Ee][Aa][Rr][Ee][Rr] |B[Ee][Aa][Rr][Ee][Rr] ")
"""What each of these shapes needs: most texts have none of it and are looked at once.

Each branch begins with a letter that is not folded, so the search skips to it.
"""
_HARMLESS = (int, float, type(None))
_SECRET_TYPES = (Secret, SecretStr, SecretBytes)
DEEPEST = 12


def scrubbed(value: object, /, *, key: str = "", depth: int = 0) -> Any:  # noqa: ANN401  # any JSON
    """The same value with everything secret in it hidden."""
    if isinstance(value, str):  # most are
        return REDACTED if _names_a_secret(key) else scrubbed_text(value)
    if isinstance(value, _HARMLESS):
        return value
    if isinstance(value, _SECRET_TYPES) or _names_a_secret(key):
        return REDACTED
    if depth >= DEEPEST:
        return type(value).__name__
    return _within(value, depth=depth + 1)


def _within(value: object, *, depth: int) -> Any:  # noqa: ANN401  # as above
    match value:
        case Mapping():
            pairs = ((str(name), inner) for name, inner in value.items())
            return {
                scrubbed_text(name): scrubbed(inner, key=name, depth=depth) for name, inner in pairs
            }
        case list() | tuple() | set() | frozenset():
            return [scrubbed(inner, depth=depth) for inner in value]
    # Whatever else it is, its text may come from a field that nobody thought of.
    return scrubbed_text(str(value)) if _prints_plainly(value) else type(value).__name__


def scrubbed_text(text: str, /) -> str:
    """The same text without what looks like a secret, and without queries."""
    if _MAYBE.search(text) is None:
        return text
    for shape in _SHAPES:
        text = shape.sub(REDACTED, text)
    return _QUERY.sub(REDACTED, text)


@lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _prints_plainly(value: object) -> bool:
    """Dates, durations, paths, ids: values whose text is what they are."""
    return type(value).__module__ in {"datetime", "pathlib", "enum", "uuid", "ipaddress"} or (
        isinstance(value, BaseException)
    )
