"""Logs: one JSON object per line on standard output, in UTC, with fixed keys and no secrets.

Keys: at, level, event, then what is bound around the event (request_id, lease_id, account_id,
rule, attempt, traceparent), then the event's own. A provider's failure adds cloud_request_id.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TextIO

import structlog
from pydantic_core import to_json
from structlog.processors import ExceptionRenderer, TimeStamper
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from keylease.errors import ProviderError
from keylease.runtime.scrub import scrubbed

FIRST = ("at", "level", "event")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
_STAMP = TimeStamper(fmt="iso", utc=True, key="at")
_RENDER_FAILURE = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
"""Locals hold passwords: the ready-made renderer printed one."""

_BOUND: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=MappingProxyType({}))
"""One variable for all words. structlog's own keeps one for each, and every line walks them all."""


def configure_logging(
    *, level: str = "info", stream: TextIO | None = None, render: Processor | None = None
) -> None:
    """Set up structlog, and bring what libraries say through the same processors."""
    number = LEVELS[level]
    out = structlog.WriteLogger(stream or sys.stdout)
    structlog.configure(
        processors=[_whole_line, render or _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: out,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=max(number, logging.INFO), force=True)
    logging.captureWarnings(capture=True)


@contextmanager
def bound(**words: object) -> Iterator[None]:
    """Bind these to every line that is said inside, then what was bound before."""
    token = _BOUND.set({**_BOUND.get(), **words})
    try:
        yield
    finally:
        _BOUND.reset(token)


def bound_now() -> Mapping[str, Any]:
    """What the next line would say, whatever it is about."""
    return _BOUND.get()


def _whole_line(logger: object, level: str, event: EventDict) -> EventDict:
    """Everything in one pass: each call of the cloud says a line, and pays for it."""
    if "exc_info" in event:
        event = _with_failure(logger, level, event)
    said = scrubbed(event.pop("event"))
    line = _STAMP(logger, level, {"at": "", "level": level, "event": said})
    rest = {**_BOUND.get(), **event}
    for name, value in rest.items():
        if value is not None and name not in line:
            line[name] = scrubbed(value, key=name)
    return line


def _with_failure(logger: object, level: str, event: EventDict) -> EventDict:
    """The traceback, and a provider's request id, so that its support can find the call."""
    failure = event["exc_info"]
    if failure is True:
        failure = sys.exc_info()[1]
    if isinstance(failure, tuple):
        failure = failure[1]
    found = _provider_error(failure)
    if found is not None and found.request_id:
        event.setdefault("cloud_request_id", found.request_id)
    return _RENDER_FAILURE(logger, level, event)


def _provider_error(failure: object) -> ProviderError | None:
    while isinstance(failure, BaseException):
        if isinstance(failure, ProviderError):
            return failure
        failure = failure.__cause__ or failure.__context__
    return None


def _as_json(_: object, __: str, event: EventDict) -> str:
    try:
        return to_json(event, fallback=repr).decode()  # a third of what `json.dumps` takes
    except ValueError:  # half of a surrogate pair, which is no UTF-8
        return json.dumps(event, default=repr, separators=(",", ":"))


class _Bridge(logging.Handler):
    """What libraries log, as our lines. Their debug output is never on: it may hold bodies."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        said = {"logger": record.name, "text": record.getMessage()}
        failure: Any = record.exc_info or None
        if record.levelno >= logging.ERROR:
            log.error("library.failed", exc_info=failure, **said)
        elif record.levelno >= logging.WARNING:
            log.warning("library.warned", exc_info=failure, **said)
        else:
            log.info("library.said", **said)
