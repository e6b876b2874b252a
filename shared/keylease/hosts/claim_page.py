"""The claim page over HTTP: GET shows a button, POST shows the credential, nothing is logged.

The path holds a capability, so this host never logs it; serve it without an access log.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from keylease.domain.secret import Secret
from keylease.errors import KeyleaseError
from keylease.ports.handover import ClaimPages, Claims, Gone, Offer, Page, Shown, Spent, Why

log = structlog.get_logger(__name__)

PATH = "/claim/{token:.*}"
LONGEST_TOKEN = 128


def claim_routes(claims: Claims, /, *, pages: ClaimPages) -> list[web.RouteDef]:
    """For the application. HEAD is answered as GET is, without a body, and burns as little."""
    page = ClaimPage(claims, pages)
    return [web.get(PATH, page.look), web.post(PATH, page.claim)]


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """Bytes in, page out."""

    claims: Claims
    pages: ClaimPages

    async def look(self, request: web.Request, /) -> web.Response:
        token = _token(request)
        try:
            found = await self.claims.look(token) if token else Gone(Why.UNKNOWN)
        except KeyleaseError as e:
            return _response(self._trouble(e))
        return _response(self._page(found))

    async def claim(self, request: web.Request, /) -> web.Response:
        if not is_own(request):
            log.warning("claim.elsewhere")
            return _response(self.pages.elsewhere())
        token = _token(request)
        try:
            claimed = await self.claims(token) if token else Gone(Why.UNKNOWN)
        except KeyleaseError as e:
            return _response(self._trouble(e))
        log.info("claim.answered", answer=type(claimed).__name__.lower())
        return _response(self._page(claimed))

    def _page(self, found: Offer | Shown | Spent | Gone) -> Page:
        match found:
            case Offer():
                return self.pages.offer(found)
            case Shown():
                return self.pages.shown(found)
            case Spent():
                return self.pages.spent(found)
            case Gone():
                return self.pages.gone(found)

    def _trouble(self, e: KeyleaseError) -> Page:
        log.error("claim.failed", error=type(e).__name__, why=str(e))
        return self.pages.later()


def is_own(request: web.Request, /) -> bool:
    """Whether our own page sent the form.

    Every current browser says `Sec-Fetch-Site`, and scripts cannot forge it. Where it is missing,
    `Origin` decides; it is `null` for our own page, because of its `Referrer-Policy: no-referrer`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.host


def _token(request: web.Request) -> Secret | None:
    """The token in the path, unless it cannot be one."""
    text = request.match_info["token"]
    is_plausible = 0 < len(text) <= LONGEST_TOKEN and text.isascii()
    return Secret(text) if is_plausible else None


def _response(page: Page) -> web.Response:
    return web.Response(status=page.status, headers=dict(page.headers), body=page.body)
