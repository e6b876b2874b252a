"""Signature V3 (ACS3-HMAC-SHA256): pure functions from a request to the exact bytes that are sent.

`sign` returns the URL and the headers together, because what is signed must be what is sent.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from urllib.parse import quote

from keylease.domain.secret import Secret

ALGORITHM = "ACS3-HMAC-SHA256"
EMPTY_BODY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

_is_unreserved = re.compile(r"[A-Za-z0-9_.~-]*", re.ASCII).fullmatch

QueryValue = str | int | bool | None
Query = Mapping[str, QueryValue] | Iterable[tuple[str, QueryValue]]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one operation, before its signature."""

    method: str
    base: str
    """Scheme and authority, such as `https://r-kvstore.aliyuncs.com`."""
    action: str
    version: str
    path: str = "/"
    """Encoded; see `path_of`."""
    query: Query = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What goes on the wire."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def percent_encoded(text: str, /) -> str:
    """RFC 3986 over UTF-8; only letters, digits and `-_.~` stay."""
    return text if _is_unreserved(text) else quote(text, safe="~")


def path_of(*segments: str) -> str:
    """A path of which each segment is encoded on its own."""
    return "/" + "/".join(map(percent_encoded, segments))


def canonical_query(query: Query, /) -> str:
    """`k=v` joined by `&`, in the order of the keys; None is dropped, empty stays as `k=`."""
    if not query:
        return ""
    items = query.items() if isinstance(query, Mapping) else query
    # Sorted as pairs: as text, `a-b=` would come before `a=`.
    pairs = sorted((key, str(value)) for key, value in items if value is not None)
    return "&".join(f"{percent_encoded(key)}={percent_encoded(value)}" for key, value in pairs)


def canonical_headers(headers: Headers, /) -> tuple[str, str]:
    """The header block and the list of signed names."""
    items = headers.items() if isinstance(headers, Mapping) else headers
    pairs = sorted((name.lower(), value.strip()) for name, value in items)
    grouped = [
        (name, ",".join(value for _, value in group))
        for name, group in groupby(pairs, key=lambda pair: pair[0])
    ]
    block = "".join(f"{name}:{value}\n" for name, value in grouped)
    return block, ";".join(name for name, _ in grouped)


def canonical_request(
    *, method: str, path: str, query: str, headers: Headers, body_hash: str
) -> tuple[str, str]:
    """The text that is hashed, and the list of signed names. `path` and `query` are encoded."""
    block, names = canonical_headers(headers)
    return f"{method}\n{path or '/'}\n{query}\n{block}\n{names}\n{body_hash}", names


def string_to_sign(canonical: str, /) -> str:
    """The algorithm's name and the hash of the canonical request."""
    return f"{ALGORITHM}\n{sha256(canonical.encode()).hexdigest()}"


def authorization(canonical: str, /, *, names: str, key_id: str, secret: Secret) -> str:
    """The value of the Authorization header."""
    signature = _keyed(secret).copy()
    signature.update(string_to_sign(canonical).encode())
    return (
        f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature.hexdigest()}"
    )


@lru_cache(maxsize=2)
def _keyed(secret: Secret) -> hmac.HMAC:
    """How every signature of a key begins: with OpenSSL, that costs more than the rest of it."""
    return hmac.new(secret.reveal().encode(), digestmod=sha256)


def date_of(instant: datetime, /) -> str:
    """`x-acs-date` of an instant in UTC; strftime would cost ten times as much."""
    return f"{instant.isoformat()[:19]}Z"


def body_hash_of(body: bytes, /) -> str:
    """Lower-case hex of the exact body bytes."""
    return sha256(body).hexdigest() if body else EMPTY_BODY_HASH


def sign(
    call: Call, /, *, key_id: str, secret: Secret, token: Secret | None, date: str, nonce: str
) -> Signed:
    """Sign the documented minimum of headers; `accept` goes along unsigned."""
    query = canonical_query(call.query)
    body_hash = body_hash_of(call.body)
    # In the order of their names, so that nothing is left to sort.
    headers = {"content-type": call.content_type} if call.body else {}
    headers["host"] = call.base.partition("://")[2]
    headers["x-acs-action"] = call.action
    headers["x-acs-content-sha256"] = body_hash
    headers["x-acs-date"] = date
    if token is not None:
        headers["x-acs-security-token"] = token.reveal()
    headers["x-acs-signature-nonce"] = nonce
    headers["x-acs-version"] = call.version
    names = ";".join(headers)
    block = "".join([f"{name}:{value}\n" for name, value in headers.items()])
    canonical = f"{call.method}\n{call.path}\n{query}\n{block}\n{names}\n{body_hash}"
    headers["authorization"] = authorization(canonical, names=names, key_id=key_id, secret=secret)
    headers["accept"] = "application/json"
    return Signed(url=f"{call.base}{call.path}{'?' if query else ''}{query}", headers=headers)
