"""HTTP out that opens with the first call: an event that needs no call pays for no client."""

import asyncio
from collections.abc import Awaitable, Callable

from keylease.ports.http import Http, HttpRequest, HttpResponse


class LazyHttp:
    """Keeps `ports.http.Http`. `opened` is asked once; whoever gave it closes what it opened."""

    def __init__(self, opened: Callable[[], Awaitable[Http]], /) -> None:
        self._opened = opened
        self._opening = asyncio.Lock()
        self._http: Http | None = None

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        http = self._http or await self._open()
        return await http.send(request)

    async def _open(self) -> Http:
        async with self._opening:
            if self._http is None:
                self._http = await self._opened()
            return self._http
