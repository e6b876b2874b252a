"""`ports.http.Http` straight into the emulator's cloud: the same bytes, no sockets, no waiting."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from keylease.emulator.cloud import Cloud
from keylease.emulator.wire import Wire
from keylease.ports.http import HttpOutcomeUnknown, HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class InProcessHttp:
    """Sends requests to an emulated cloud in this process."""

    cloud: Cloud

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        headers = {"host": parts.netloc} | {k.lower(): v for k, v in request.headers.items()}
        wire = Wire.received(
            method=request.method, target=target, headers=headers.items(), body=request.body
        )
        answer = await self.cloud.answer(wire)
        if answer is None:
            msg = "the connection was broken"
            raise HttpOutcomeUnknown(msg)
        return HttpResponse(
            status=answer.status,
            headers={k.lower(): v for k, v in answer.headers.items()},
            body=answer.body,
        )
