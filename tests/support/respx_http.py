"""The Http port answered by a respx router: what reaches it is exactly what would be sent."""

import httpx
import respx

from keylease.ports.http import HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse


class RespxHttp:
    """Hands every request to a router; unmocked calls fail the test."""

    def __init__(self, router: respx.Router | None = None) -> None:
        self.router = router or respx.Router(assert_all_called=False)
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        self.sent.append(request)
        try:
            answer = await self.router.async_handler(
                httpx.Request(
                    request.method,
                    request.url,
                    headers=dict(request.headers),
                    content=request.body,
                )
            )
        except httpx.ConnectError as e:
            raise HttpNotSent(type(e).__name__) from e
        except httpx.TransportError as e:
            raise HttpOutcomeUnknown(type(e).__name__) from e
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(status=answer.status_code, headers=headers, body=answer.content)
