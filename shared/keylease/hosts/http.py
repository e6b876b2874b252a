"""The HTTP host: bytes in, verdict out. The one place that knows statuses.

It bounds a body before it reads it, keeps its exact bytes, and never answers 5xx to what somebody
wrote: a 5xx says that we could not keep it, so that the sender sends it again.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import HttpVersion11, web

from keylease.domain.intake import Arrived, Reply
from keylease.errors import BadInput, KeyleaseError, NotGenuine
from keylease.ports.clock import Clock
from keylease.ports.doors import Call, Door
from keylease.ports.http import HttpResponse
from keylease.ports.ids import Ids

log = structlog.get_logger(__name__)

CHAT_LIMIT = 256 * 1024
MACHINE_LIMIT = 1024 * 1024
RETRY_AFTER = "5"
"""Seconds after which a sender may try again when we could not keep its message."""


class _WithoutBytes(logging.Filter):
    """Drops the trace in which aiohttp shows the bytes that it could not parse."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


_WITHOUT_BYTES = _WithoutBytes()

RUNNER: dict[str, Any] = {"auto_decompress": False, "access_log": None}
"""How to run the app: bytes as they were signed, and no line with a query: it may be a secret."""

Receive = Callable[[Arrived], Awaitable[Reply]]
Ready = Callable[[], Awaitable[bool]]
View = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Doors:
    """Which door stands at which path: by tenant under /hooks/<kind>/, and one at /events."""

    slack: Mapping[str, Door] = field(default_factory=dict)
    webhook: Mapping[str, Door] = field(default_factory=dict)
    events: Door | None = None


class TooLarge(KeyleaseError):
    """The body is longer than its route takes."""


async def always_ready() -> bool:
    """For a process that is ready once it listens."""
    return True


def make_app(
    receive: Receive,
    /,
    *,
    doors: Doors,
    clock: Clock,
    ids: Ids,
    ready: Ready = always_ready,
    routes: Iterable[web.RouteDef] = (),
) -> web.Application:
    """All routes of one process; `routes` adds what other hosts serve, such as the claim page.

    Run it as `web.AppRunner(app, **RUNNER)`.
    """
    logging.getLogger("aiohttp.server").addFilter(_WITHOUT_BYTES)
    desk = Desk(receive=receive, clock=clock, ids=ids)
    app = web.Application(middlewares=[keep_5xx_for_ourselves], client_max_size=MACHINE_LIMIT)
    events = {"": doors.events} if doors.events else {}
    ours = (
        web.post("/hooks/slack/{tenant}", desk.view("slack", doors.slack, limit=CHAT_LIMIT)),
        web.post(
            "/hooks/webhook/{tenant}", desk.view("webhook", doors.webhook, limit=MACHINE_LIMIT)
        ),
        web.post("/events", desk.view("cloudevents", events, limit=MACHINE_LIMIT)),
        web.options("/events", desk.view("cloudevents", events, limit=MACHINE_LIMIT)),
        web.get("/healthz", _healthz),
        web.get("/readyz", _readyz(ready)),
    )
    app.add_routes(_closed((*ours, *routes)))
    return app


def _closed(routes: Iterable[web.RouteDef]) -> list[web.RouteDef]:
    """The routes, then 405 for their other methods and 404 for the rest, all expecting alike.

    aiohttp's own routes for these echo an `Expect` header, and answer 500 to one that is no text.
    """
    known = list(routes)
    paths = dict.fromkeys(route.path for route in known)
    known += [web.route("*", path, _not_allowed) for path in paths]
    known.append(web.route("*", "/{rest:.*}", _not_found))
    return [
        web.RouteDef(
            route.method, route.path, route.handler, {**route.kwargs, "expect_handler": _expect}
        )
        for route in known
    ]


async def _expect(request: web.Request) -> None:
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _not_allowed(_: web.Request) -> web.Response:
    return web.Response(status=405)


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=404)


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes calls at doors."""

    receive: Receive
    clock: Clock
    ids: Ids

    def view(self, source: str, doors: Mapping[str, Door], /, *, limit: int) -> View:
        """The aiohttp handler of one kind of door."""

        async def take(request: web.Request) -> web.Response:
            tenant = request.match_info.get("tenant", "")
            with structlog.contextvars.bound_contextvars(
                source=source, tenant=tenant[:64], call_id=self.ids.new("call")
            ):
                return await self._take(request, door=doors.get(tenant), limit=limit)

        return take

    async def _take(self, request: web.Request, *, door: Door | None, limit: int) -> web.Response:
        encodings = request.headers.getall("Content-Encoding", [])
        if any(encoding.strip().lower() != "identity" for encoding in encodings):
            return _rejected(415, code="content_encoding")
        try:
            body = await _read(request, limit=limit)
        except TooLarge:
            return _rejected(413, code="too_large")
        except (web.RequestPayloadError, ConnectionError):
            return _rejected(400, code="body_broken")
        if door is None:
            return _rejected(401, code="tenant_unknown")
        call = Call(
            method=request.method,
            path=request.path,
            headers=tuple(request.headers.items()),
            body=body,
        )
        return await self._open(door, call)

    async def _open(self, door: Door, call: Call) -> web.Response:
        try:
            opened = door.open(call, now=self.clock.now())
        except NotGenuine as e:
            return _rejected(401, code=e.code)
        except BadInput as e:
            log.warning("intake.rejected", code=e.code, field=e.field[:64])
            return _response(door.refuse(call, problem=e))
        except Exception as e:  # noqa: BLE001  # whatever it is, the sender is not proved
            log.error("intake.door_broke", error=type(e).__name__)  # noqa: TRY400  # a traceback would show the body
            return _rejected(401, code="door_broke")
        if isinstance(opened, HttpResponse):
            return _response(opened)
        return await self._receive(door, call, opened)

    async def _receive(self, door: Door, call: Call, arrived: tuple[Arrived, ...]) -> web.Response:
        try:
            replies = [await self.receive(one) for one in arrived]
        except BadInput as e:
            log.warning("intake.rejected", code=e.code, field=e.field[:64])
            return _response(door.refuse(call, problem=e))
        except KeyleaseError as e:
            log.warning("intake.postponed", error=type(e).__name__)
            return web.Response(status=503, headers={"Retry-After": RETRY_AFTER})
        for reply in replies:
            log.info("intake.received", request_id=reply.request_id, refused=reply.refused)
        return _response(door.answer(call, replies=tuple(replies)))


@web.middleware
async def keep_5xx_for_ourselves(request: web.Request, handler: View) -> web.StreamResponse:
    """Anything unforeseen becomes a 503 without words, and a line that wakes somebody."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("host.failed", route=_route(request))
        return web.Response(status=503, headers={"Retry-After": RETRY_AFTER})


def _route(request: web.Request) -> str:
    """The pattern that matched: a path may hold a capability, a pattern does not."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"


async def _read(request: web.Request, *, limit: int) -> bytes:
    """The exact body, refused by its announced length, or as soon as it grows over the limit."""
    if (request.content_length or 0) > limit:
        raise TooLarge
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def _rejected(status: int, /, *, code: str) -> web.Response:
    """One line for us, nothing for the sender: not why, and not which tenants there are."""
    log.warning("intake.rejected", code=code)
    return web.Response(status=status)


def _response(answer: HttpResponse) -> web.Response:
    return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _readyz(ready: Ready) -> View:
    async def answer(_: web.Request) -> web.Response:
        if await ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready"}, status=503)

    return answer
