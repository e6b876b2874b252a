"""The HTTP application of a process: doors where intake runs, the claim page where claim runs."""

from collections.abc import Awaitable, Callable, Iterable
from typing import cast

import structlog
from aiohttp import web

from keylease.hosts.claim_page import claim_routes
from keylease.hosts.http import Doors, make_app
from keylease.hosts.limits import Limits, sparing
from keylease.ports.handover import ClaimPages, Claims
from keylease.runtime.entrances import entrances
from keylease.runtime.wiring import Keylease

log = structlog.get_logger(__name__)


async def front(keylease: Keylease, /, *, more: Iterable[web.RouteDef] = ()) -> web.Application:
    """What this process serves, and `more`; run it as `hosts.http.RUNNER` says."""
    functions, limits = keylease.process.functions, keylease.settings.limits
    allowed = Limits.of(keylease.clock, **limits.model_dump())
    pages = await _claim(keylease) if "claim" in functions else ()
    return make_app(
        keylease.process.receive,
        doors=_doors(keylease) if "intake" in functions else Doors(),
        clock=keylease.clock,
        ids=keylease.ids,
        ready=_ready(keylease),
        routes=[*(sparing(route, limit=allowed.addresses) for route in pages), *more],
        limits=allowed,
    )


def _doors(keylease: Keylease) -> Doors:
    found = entrances(keylease.settings)
    return Doors(slack=found.slack, webhook=found.webhook, events=found.events)


async def _claim(keylease: Keylease) -> Iterable[web.RouteDef]:
    pages = await keylease.parts.get(ClaimPages)
    claims = cast("Claims", keylease.process.functions["claim"].handler)  # its class says so
    return claim_routes(claims, pages=pages)


def _ready(keylease: Keylease) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            await keylease.store.parked(limit=1)
        except Exception:
            log.exception("serve.not_ready")
            return False
        return True

    return ready
