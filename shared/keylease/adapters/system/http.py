"""HTTP out over aiohttp: one pooled session, exact bytes, and a precise answer to "was it sent?".

Errors are raised outside of their except blocks: aiohttp's messages hold the URL, whose query may
hold a password, and a chained exception would carry them into a traceback.
"""

from collections.abc import Iterable
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict
from yarl import URL

from keylease.adapters.system.egress import Egress, guarded_socket
from keylease.errors import InvariantBroken
from keylease.ports.http import HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse

DEFAULT_MAX_BODY = 1 << 20
_NOT_SENT = (
    aiohttp.ClientConnectorError,  # no name, refused, TLS, forbidden address
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


class _Exact(aiohttp.ClientRequest):
    """Sends the headers that it is given, of which some are signed, and none of aiohttp's own."""

    _skip_auto_headers = CIMultiDict({"content-type": None})

    def update_headers(self, headers: LooseHeaders | None) -> None:
        self.headers = CIMultiDict(headers or {})
        self.headers.setdefault("host", self.url.host_port_subcomponent or "")
        self.headers.setdefault("accept-encoding", "identity")

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Nothing is added."""


class AiohttpHttp:
    """The process's one session. `egress` restricts it to places that are safe to call."""

    def __init__(
        self,
        *,
        pool: int = 100,
        max_body: int = DEFAULT_MAX_BODY,
        connect_timeout: float = 5.0,
        egress: Egress | None = None,
    ) -> None:
        self._pool = pool
        self._max_body = max_body
        self._connect_timeout = connect_timeout
        self._egress = egress
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        factory = guarded_socket(self._egress) if self._egress else None
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._pool, socket_factory=factory),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Exact,
            auto_decompress=False,
            trust_env=False,
        )
        # By default GET and DELETE are sent again on a connection that broke: a second request
        # with the same nonce, and nobody would know that there were two.
        session._retry_connection = False  # noqa: SLF001  # aiohttp has no public switch
        self._session = session
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        if self._session is None:
            msg = "the HTTP session is not open"
            raise InvariantBroken(msg)
        url = self._checked(request.url)
        try:
            return await self._exchange(self._session, request, url)
        except _NOT_SENT as e:
            failure: Exception = HttpNotSent(f"{url.host}: not sent ({type(e).__name__})")
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            failure = HttpOutcomeUnknown(f"{url.host}: outcome unknown ({type(e).__name__})")
        raise failure

    def _checked(self, text: str) -> URL:
        try:
            url = URL(text, encoded=True)
        except ValueError:
            url = URL()
        if not url.host:
            msg = "not a URL"
            raise HttpNotSent(msg)
        if self._egress and not self._egress.allows(scheme=url.scheme, port=url.port):
            msg = f"{url.host}: scheme or port is not allowed"
            raise HttpNotSent(msg)
        return url

    async def _exchange(
        self, session: aiohttp.ClientSession, request: HttpRequest, url: URL
    ) -> HttpResponse:
        async with session.request(
            request.method,
            url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=_timeout(request.timeout, self._connect_timeout),
        ) as response:
            body = await self._body(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            if headers.get("content-encoding", "identity") != "identity":
                msg = f"{url.host}: an encoded answer although none was asked for"
                raise HttpOutcomeUnknown(msg)
            return HttpResponse(status=response.status, headers=headers, body=body)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body; one that is too long closes the connection."""
        if response.content_length is not None and response.content_length <= self._max_body:
            return await response.read()
        chunks: list[bytes] = []
        size = 0
        while chunk := await response.content.readany():
            size += len(chunk)
            if size > self._max_body:
                response.close()
                msg = f"{response.url.host}: the answer is longer than {self._max_body} bytes"
                raise HttpOutcomeUnknown(msg)
            chunks.append(chunk)
        return b"".join(chunks)


@lru_cache(maxsize=64)
def _timeout(total: float, connect: float) -> aiohttp.ClientTimeout:
    """Connecting ends first, so that a hanging connect is never taken for a lost answer."""
    return aiohttp.ClientTimeout(total=total, connect=min(connect, total * 0.9))
