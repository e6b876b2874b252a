"""One signed call of one operation: retried where that is safe, bounded in time and per instance.

A retry is always a new signature, date and nonce. A write is sent again only when it surely did
nothing: it never left, or it was throttled. What a busy object means is for the caller.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import structlog
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from structlog.typing import FilteringBoundLogger

from keylease.adapters.alibaba.credentials import CachingCredentials
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.alibaba.errors import (
    error_of,
    failure_of,
    is_success,
    is_throttled,
    unreadable,
)
from keylease.adapters.alibaba.sign import Call, QueryValue, date_of, path_of, percent_encoded, sign
from keylease.errors import (
    ProviderAmbiguous,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.clock import Clock
from keylease.ports.http import Http, HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse
from keylease.ports.ids import Ids

_CLIMBING = frozenset({"", ".", ".."})
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


class Wire(BaseModel):
    """A vendor's object: unknown fields are ignored, null is as good as absent."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", defer_build=True, hide_input_in_errors=True
    )


class Answer(Wire):
    """What every answer may have; `success` is checked even under HTTP 200."""

    request_id: str = Field(default="", validation_alias=AliasChoices("requestId", "RequestId"))
    success: bool | None = None

    @property
    def was_done(self) -> bool:
        """Whether the answer claims success."""
        return self.success is not False


M = TypeVar("M", bound=Answer)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one product."""

    product: str
    version: str
    action: str
    method: str = "POST"
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one call carries."""

    region: str
    instance: str
    """Whose concurrency limit it takes a slot of."""
    path: tuple[str, ...] = ()
    query: dict[str, QueryValue] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how hard is tried."""

    deadline: float = 30.0
    """Seconds for one call with all its attempts and waits."""
    attempt: float = 10.0
    """Seconds for one attempt."""
    attempts: int = 5
    per_instance: int = 4
    first_wait: float = 0.2
    longest_wait: float = 5.0


class AlibabaClient:
    """Calls operations."""

    def __init__(
        self,
        *,
        http: Http,
        credentials: CachingCredentials,
        clock: Clock,
        ids: Ids,
        endpoints: Endpoints | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self._ids = ids
        self._endpoints = endpoints or Endpoints()
        self._limits = limits or Limits()
        # Bound once: a lazy logger is put together again for every line.
        self._log: FilteringBoundLogger = structlog.get_logger().bind()
        self._slots: dict[tuple[str, str], asyncio.Semaphore] = {}

    async def call(self, operation: Operation, /, *, arguments: Arguments, answer: type[M]) -> M:
        """The answer, read into its model.

        Raises:
            ProviderError: of the class that says what may be done next.
        """
        run = _Run(
            operation=operation,
            instance=arguments.instance,
            limits=self._limits,
            jitter=self._ids.jitter,
            log=self._log,
            started=asyncio.get_running_loop().time(),
        )
        try:
            result = await self._with_retries(run, arguments, answer)
        except ProviderError as e:
            run.said(status=e.status, code=e.code, request_id=e.request_id)
            raise
        run.said(status=200, code="", request_id=result.request_id)
        return result

    async def _with_retries(self, run: "_Run", arguments: Arguments, answer: type[M]) -> M:
        """Most calls succeed at once, so the retrying machinery is entered after a failure only."""
        try:
            return await self._once(run, arguments, answer)
        except ProviderError as e:
            if not is_retryable(e):
                raise
            failure: ProviderError | None = e
        import stamina  # noqa: PLC0415  # 10 ms of cold start that a call which succeeds does not need

        async for attempt in stamina.retry_context(
            on=run.wait_before_next, attempts=self._limits.attempts, timeout=None
        ):
            with attempt:
                if failure is not None:
                    first, failure = failure, None
                    raise first
                return await self._once(run, arguments, answer)
        msg = "unreachable"  # the last attempt returns or raises
        raise AssertionError(msg)

    async def _once(self, run: "_Run", arguments: Arguments, answer: type[M]) -> M:
        operation = run.operation
        slot = self._slot(operation.product, arguments.instance)
        await (run.wait_for(slot) if slot.locked() else slot.acquire())
        run.attempts += 1
        try:
            request = await self._signed(operation, arguments, timeout=run.attempt_time())
            response = await _sent(self._http, request, operation=operation)
        finally:
            slot.release()
        return _read(response, operation=operation, answer=answer)

    async def _signed(
        self,
        operation: Operation,
        arguments: Arguments,
        *,
        timeout: float,  # noqa: ASYNC109  # passed on
    ) -> HttpRequest:
        key = await self._credentials.key()
        call = Call(
            method=operation.method,
            base=self._endpoints.base(operation.product, region=arguments.region),
            action=operation.action,
            version=operation.version,
            path=_path(arguments.path),
            query=arguments.query,
            body=arguments.body,
            content_type=arguments.content_type,
        )
        signed = sign(
            call,
            key_id=key.id,
            secret=key.secret,
            token=key.token,
            date=date_of(self._clock.now()),
            nonce=self._ids.nonce(),
        )
        return HttpRequest(
            method=operation.method,
            url=signed.url,
            headers=signed.headers,
            body=arguments.body,
            timeout=timeout,
        )

    def _slot(self, product: str, instance: str) -> asyncio.Semaphore:
        key = (product, instance)
        if key not in self._slots:
            self._slots[key] = asyncio.Semaphore(self._limits.per_instance)
        return self._slots[key]


@dataclass(slots=True)
class _Run:
    """One call on its way: how often it was tried, and how much time is left."""

    operation: Operation
    instance: str
    limits: Limits
    jitter: Callable[[], float]
    log: FilteringBoundLogger
    started: float
    attempts: int = 0

    def left(self) -> float:
        return self.started + self.limits.deadline - asyncio.get_running_loop().time()

    async def wait_for(self, slot: asyncio.Semaphore, /) -> None:
        """Wait for a slot, no longer than the deadline."""
        try:
            async with asyncio.timeout(self.left()):
                await slot.acquire()
        except TimeoutError as e:
            raise ProviderTransient(self.operation.product, "DeadlinePassed") from e

    def attempt_time(self) -> float:
        """Seconds for the next attempt, which begins now."""
        if (left := self.left()) <= 0:
            raise ProviderTransient(self.operation.product, "DeadlinePassed")
        return min(self.limits.attempt, left)

    def wait_before_next(self, error: Exception, /) -> bool | float:
        """Seconds until the next attempt, or False: not retried."""
        if not isinstance(error, ProviderError) or not is_retryable(error):
            return False
        wait = self._asked_for(error)
        return wait if wait < self.left() else False

    def _asked_for(self, error: ProviderError) -> float:
        """What the vendor asked for, and full jitter on top of nothing else."""
        ceiling = min(self.limits.longest_wait, self.limits.first_wait * 2 ** (self.attempts - 1))
        return float((error.retry_after or 0.0) + self.jitter() * ceiling)

    def said(self, *, status: int, code: str, request_id: str) -> None:
        """One log line per call: never a URL, a query or a body."""
        seconds = asyncio.get_running_loop().time() - self.started
        self.log.info(
            "cloud.called",
            operation=self.operation.action,
            instance=self.instance,
            status=status,
            code=code,
            cloud_request_id=request_id,
            attempts=self.attempts,
            ms=round(seconds * 1000, 1),
        )


def is_retryable(error: ProviderError, /) -> bool:
    """Whether the call surely had no effect, and may have one soon."""
    return isinstance(error, ProviderTransient) or is_throttled(error)


async def _sent(http: Http, request: HttpRequest, *, operation: Operation) -> HttpResponse:
    try:
        return await http.send(request)
    except HttpNotSent as e:
        raise ProviderTransient(operation.product, "NotSent") from e
    except HttpOutcomeUnknown as e:
        kind = ProviderAmbiguous if operation.is_write else ProviderTransient
        raise kind(operation.product, "NoAnswer") from e


def _read(response: HttpResponse, *, operation: Operation, answer: type[M]) -> M:
    product, is_write = operation.product, operation.is_write
    if not is_success(response.status):
        raise error_of(failure_of(response), provider=product, is_write=is_write)
    parsed = _parsed(response.body, answer)
    if parsed is not None and parsed.was_done:
        return parsed
    failure = failure_of(response)
    if failure.was_refused and failure.code:
        raise error_of(failure, provider=product, is_write=is_write)
    raise unreadable(response, provider=product, is_write=is_write)


def _parsed(body: bytes, answer: type[M]) -> M | None:
    """None when it cannot be read; pydantic's error would quote what it read."""
    try:
        return answer.model_validate_json(body)
    except ValidationError:
        return None


@lru_cache(maxsize=1024)  # the same few instances and names, call after call
def _path(segments: tuple[str, ...]) -> str:
    """A path whose segments cannot climb to another resource."""
    if not segments:
        return "/"
    if not _CLIMBING.isdisjoint(segments):
        msg = "UnsafePath"
        raise ProviderRefused("alibaba", msg)
    return path_of(*segments)


def form_encoded(fields: dict[str, str], /) -> bytes:
    """A form body; spaces as `%20`, which every form decoder reads as well."""
    pairs = (f"{percent_encoded(k)}={percent_encoded(v)}" for k, v in sorted(fields.items()))
    return "&".join(pairs).encode()
