"""How often one sender may call: each has a bucket of tokens that fills at a steady rate.

Who is proved is counted by tenant and sender. Who is not is counted by address, and only after
proof has failed: behind a proxy all have one address, and nobody shall keep genuine senders out.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

import structlog
from aiohttp import web

from keylease.ports.clock import Clock

log = structlog.get_logger(__name__)

MOST = 10_000
"""Buckets that are kept; the one unused for longest makes room, full again for its owner."""
SAID_AGAIN = 60.0
"""Seconds between two log lines about one sender."""

View = Callable[[web.Request], Awaitable[web.StreamResponse]]
Key = tuple[str, ...]


@dataclass(slots=True)
class Bucket:
    """What one sender has left, as of then."""

    tokens: float
    at: float
    refused: int = 0
    """Calls since the last log line."""
    said_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls a minute from one sender, as many of them at once; 0: any number."""

    a_minute: int
    clock: Clock
    buckets: dict[Key, Bucket] = field(default_factory=dict, compare=False)

    def take(self, key: Key, /, *, calls: int = 1) -> int:
        """Take tokens; how many seconds the sender shall wait, 0: it may go on.

        A batch passes while there is any token, and leaves a debt.
        """
        if not self.a_minute:
            return 0
        bucket = self._filled(key)
        if bucket.tokens < 1:
            return math.ceil((1 - bucket.tokens) * 60 / self.a_minute)
        bucket.tokens -= calls
        return 0

    def say(self, key: Key, /) -> None:
        """Log that calls were refused, at most once a minute for one sender."""
        bucket = self._filled(key)
        bucket.refused += 1
        if bucket.at - bucket.said_at >= SAID_AGAIN:
            log.warning("intake.limited", sender="/".join(key), refused=bucket.refused)
            bucket.refused, bucket.said_at = 0, bucket.at

    def _filled(self, key: Key) -> Bucket:
        now = self.clock.now().timestamp()
        bucket = self.buckets.pop(key, None) or Bucket(tokens=self.a_minute, at=now)
        gained = max(now - bucket.at, 0.0) * self.a_minute / 60
        bucket.tokens = min(bucket.tokens + gained, self.a_minute)
        bucket.at = now
        if len(self.buckets) >= MOST:
            del self.buckets[next(iter(self.buckets))]
        self.buckets[key] = bucket  # the last one in is the last one to go
        return bucket


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls a minute of each kind of sender."""

    people: Limit
    machines: Limit
    addresses: Limit

    @classmethod
    def of(
        cls, clock: Clock, /, *, people: int = 0, machines: int = 0, addresses: int = 0
    ) -> "Limits":
        """Each with buckets of its own."""
        return cls(Limit(people, clock), Limit(machines, clock), Limit(addresses, clock))


def address_of(request: web.Request, /) -> Key:
    """Where a call came from."""
    return ("address", network_of(request.remote))


def network_of(remote: str | None, /) -> str:
    """What one party holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    return ":".join(address.exploded.split(":")[:4])


def too_often(wait: int, /) -> web.Response:
    """The answer to a call that came too soon."""
    return web.Response(status=429, headers={"Retry-After": str(wait), "Cache-Control": "no-store"})


def sparing(route: web.RouteDef, /, *, limit: Limit) -> web.RouteDef:
    """The same route; each POST takes a token of its address first, and burns nothing without."""
    view: View = route.handler

    async def spared(request: web.Request) -> web.StreamResponse:
        key = address_of(request)
        wait = limit.take(key)
        if not wait:
            return await view(request)
        limit.say(key)
        return too_often(wait)

    if route.method != "POST":
        return route
    return web.RouteDef(route.method, route.path, spared, route.kwargs)
