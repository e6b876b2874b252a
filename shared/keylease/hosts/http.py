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
from keylease.hosts.limits import Key, Limits, View, address_of, too_often
from keylease.ports.clock import Clock
from keylease.ports.doors import Call, Door
from keylease.ports.http import HttpResponse
from keylease.ports.ids import Ids
from keylease.runtime.logging import bound

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


@dataclass(frozen=True, slots=True)
class Doors:
    """Which door stands at which path: by tenant under /hooks/<kind>/, and one at /events."""

    slack: Mapping[str, Door] = field(default_factory=dict)
    webhook: Mapping[str, Door] = field(default_factory=dict)
    events: Door | None = None


class Rejected(KeyleaseError):
    """A call of somebody unproved; `code` is for the log, the sender learns nothing."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


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
    limits: Limits | None = None,
) -> web.Application:
    """All routes of one process; `routes` adds what other hosts serve, such as the claim page.

    Without `limits` anybody may call as often as they like.

    Run it as `web.AppRunner(app, **RUNNER)`.
    """
    logging.getLogger("aiohttp.server").addFilter(_WITHOUT_BYTES)
    desk = Desk(receive=receive, clock=clock, ids=ids, limits=limits or Limits.of(clock))
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
    limits: Limits

    def view(self, source: str, doors: Mapping[str, Door], /, *, limit: int) -> View:
        """The aiohttp handler of one kind of door."""

        async def take(request: web.Request) -> web.Response:
            tenant = request.match_info.get("tenant", "")
            with bound(source=source, tenant=tenant[:64], call_id=self.ids.new("call")):
                return await self._take(request, door=doors.get(tenant), limit=limit)

        return take

    async def _take(self, request: web.Request, *, door: Door | None, limit: int) -> web.Response:
        try:
            body = await _body(request, limit=limit)
            call = Call(
                method=request.method,
                path=request.path,
                headers=tuple(request.headers.items()),
                body=body,
            )
            return await self._open(door, call)
        except Rejected as e:
            return self._turn_away(e, address=address_of(request))

    def _turn_away(self, rejected: Rejected, *, address: Key) -> web.Response:
        """One line for us, nothing for the sender: not why, and not which tenants there are."""
        wait = self.limits.addresses.take(address)
        if wait:
            self.limits.addresses.say(address)
            return too_often(wait)
        log.warning("intake.rejected", code=rejected.code)
        return web.Response(status=rejected.status)

    async def _open(self, door: Door | None, call: Call) -> web.Response:
        if door is None:
            raise Rejected(401, "tenant_unknown")
        try:
            opened = door.open(call, now=self.clock.now())
        except NotGenuine as e:
            raise Rejected(401, e.code) from e
        except BadInput as e:
            log.warning("intake.rejected", code=e.code, field=e.field[:64])
            return _response(door.refuse(call, problem=e))
        except Exception as e:
            log.error("intake.door_broke", error=type(e).__name__)  # noqa: TRY400  # a traceback would show the body
            raise Rejected(401, "door_broke") from e
        if isinstance(opened, HttpResponse):
            return _response(opened)
        return self._soon(call, opened) or await self._receive(door, call, opened)

    def _soon(self, call: Call, arrived: tuple[Arrived, ...]) -> web.Response | None:
        """The answer to a sender that calls too often; what Slack sends again may always come."""
        if not arrived:
            return None
        first = arrived[0]
        limit = self.limits.people if first.source == "slack" else self.limits.machines
        key = (first.source, first.tenant, first.sender.subject)
        wait = limit.take(key, calls=len(arrived))
        if not wait or call.all("x-slack-retry-num"):
            return None
        limit.say(key)
        return too_often(wait)

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


async def _body(request: web.Request, *, limit: int) -> bytes:
    """The exact body, refused by its announced length, or as soon as it grows over the limit."""
    encodings = request.headers.getall("Content-Encoding", [])
    if any(encoding.strip().lower() != "identity" for encoding in encodings):
        raise Rejected(415, "content_encoding")
    is_bounded = (request.content_length or 0) <= limit
    body = bytearray()
    try:
        while is_bounded and (chunk := await request.content.readany()):
            body += chunk
            is_bounded = len(body) <= limit
    except (web.RequestPayloadError, ConnectionError) as e:
        raise Rejected(400, "body_broken") from e
    if not is_bounded:
        raise Rejected(413, "too_large")
    return bytes(body)


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
