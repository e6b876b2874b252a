"""HTTP out: the seam of one method behind which aiohttp lives.

Tests put respx's router here; adapters build exact bytes and read exact bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from keylease.errors import KeyleaseError, Retry


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, byte for byte as it will be sent."""

    method: str
    url: str = field(repr=False)  # a query may carry a password
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 10.0
    """Seconds for the whole exchange."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One response, read to its end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; of a repeated name the last value."""
    body: bytes = field(default=b"", repr=False)


class HttpNotSent(KeyleaseError):
    """The request surely never reached the other side (no name, no connection, no TLS)."""

    retry = Retry.LATER


class HttpOutcomeUnknown(KeyleaseError):
    """The connection broke or timed out after the request may have been read."""

    retry = Retry.AFTER_READ


class Http(Protocol):
    """Sends requests exactly as they are: no redirects, no proxies, no re-quoting."""

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        """Send once, never retry.

        Raises:
            HttpNotSent: it had no effect and may be sent again.
            HttpOutcomeUnknown: it may have had an effect.
        """
        ...
