"""One HTTP request exactly as it arrived, split but never decoded as a whole.

The bytes on the wire are not the signed bytes: the official clients escape the same text in
different ways. So every path segment and every query part is decoded on its own, once, and the
signature is computed over a fresh encoding of the result. A user name may hold `%2F`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote_to_bytes

Pairs = tuple[tuple[bytes, bytes], ...]


def escaped(text: bytes) -> str:
    """Percent-encode as RFC 3986 says: only `A-Z a-z 0-9 - _ . ~` stay."""
    return quote(text, safe="~")


def form_pairs(encoded: bytes) -> Pairs:
    parts = (part.partition(b"=") for part in encoded.split(b"&") if part)
    return tuple((_plus_decoded(key), _plus_decoded(value)) for key, _, value in parts)


def _plus_decoded(encoded: bytes) -> bytes:
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, repr=False)
class Wire:
    """A received request. It has no useful repr, because passwords travel in URLs and bodies."""

    method: str
    path: tuple[bytes, ...]
    query: Pairs
    headers: Mapping[str, tuple[str, ...]]
    body: bytes

    @classmethod
    def received(
        cls, *, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Self:
        path, _, query = target.encode("utf-8", "surrogateescape").partition(b"?")
        collected: dict[str, tuple[str, ...]] = {}
        for name, value in headers:
            key = name.lower()
            collected[key] = (*collected.get(key, ()), value.strip())
        return cls(
            method=method,
            path=tuple(unquote_to_bytes(segment) for segment in path.split(b"/")),
            query=form_pairs(query),
            headers=collected,
            body=body,
        )

    @property
    def segments(self) -> tuple[str, ...]:
        """The decoded path without its leading slash; `()` is the root."""
        parts = self.path[1:] if self.path[:1] == (b"",) else self.path
        return () if parts in ((), (b"",), (b"*",)) else tuple(map(_readable, parts))

    def header(self, name: str) -> str:
        """A repeated header reads as its sorted values, comma-joined: that is what is signed."""
        return ",".join(sorted(self.headers.get(name, ())))

    def parameters(self) -> dict[str, str]:
        """Query and form body together; RPC services take either, and the query wins."""
        is_form = (
            self.header("content-type").lower().startswith("application/x-www-form-urlencoded")
        )
        pairs = (*self.query, *(form_pairs(self.body) if is_form else ()))
        return {_readable(key): _readable(value) for key, value in reversed(pairs)}
