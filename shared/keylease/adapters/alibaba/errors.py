"""From the vendor's answers to our one error tree. No body, URL or query gets into a message.

Both envelopes are read (UpperCamel from the gateway and RPC services, lowerCamel from RocketMQ),
and names of codes that RocketMQ does not document are never relied on: the status decides.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from keylease.errors import (
    ProviderAmbiguous,
    ProviderBusy,
    ProviderConflict,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.http import HttpResponse

TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
SERVER_FAULT = HTTPStatus.INTERNAL_SERVER_ERROR
_SUCCESS = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_LONGEST_NUMBER = 9
UNREADABLE = "UnreadableAnswer"
BUSY_CODES = frozenset(
    {
        "IncorrectDBInstanceState",
        "OperationDeniedDBStatus",
        "LockTimeout",
        "OperationDenied.AccountStatus",
        "TaskExists",
    }
)
DENIED_CODES = frozenset(
    {
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "InvalidAccessKeyId.NotFound",
        "InvalidAccessKeyId.Inactive",
        "InvalidTimeStamp.Format",
        "InvalidTimeStamp.Expired",
    }
)
# Patterns as text: a call that succeeds, and with it most cold starts, compiles none of them.
_DENIED = r"Forbidden|NoPermission|AccessDenied|SecurityToken|AccessKey|Unauthorized"
# Not the object but the door itself is missing: never proof that an account is gone.
_WRONG_DOOR = r"Invalid(Api|Product|Action|Version|Region|Protocol)\b"
_GONE = r"Not(Found|Existed|Exists|Exist)$"
_TAKEN = r"Duplicated?$|AlreadyExist(s|ed)?$|Exist(s|ed)$"
_CODE_SHAPE = r"[A-Za-z][A-Za-z0-9_.]{0,99}"
_REQUEST_ID_SHAPE = r"[A-Za-z0-9-]{1,64}"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an answer says about itself."""

    status: int
    code: str
    """Empty when the answer has no code that could be read."""
    request_id: str = ""
    retry_after: float | None = None
    was_refused: bool = False
    """Whether it says `success: false`, under whatever status."""


def failure_of(response: HttpResponse, /) -> Failure:
    """Read code and request id from either envelope; anything else is an unreadable answer."""
    envelope = _envelope(response.body)
    request_id = _text(envelope, "RequestId", "requestId") or response.headers.get(
        "x-acs-request-id", ""
    )
    code = _text(envelope, "Code", "code")
    return Failure(
        status=_status(envelope, response.status),
        was_refused=envelope.get("success", envelope.get("Success")) is False,
        code=code if re.fullmatch(_CODE_SHAPE, code, re.ASCII) else "",
        request_id=request_id if re.fullmatch(_REQUEST_ID_SHAPE, request_id, re.ASCII) else "",
        retry_after=_retry_after(response.headers),
    )


def error_of(failure: Failure, /, *, provider: str, is_write: bool) -> ProviderError:
    """The error that says what the caller may do next."""
    kind = _kind(failure, is_write=is_write)
    return kind(
        provider,
        failure.code or f"{UNREADABLE}.{failure.status}",
        status=failure.status,
        request_id=failure.request_id,
        retry_after=failure.retry_after if kind is ProviderBusy else None,
    )


def unreadable(response: HttpResponse, /, *, provider: str, is_write: bool) -> ProviderError:
    """A success that cannot be read: truncated, not JSON, or not what was promised."""
    kind = _unknown(is_write=is_write)
    failure = failure_of(response)
    return kind(
        provider,
        f"{UNREADABLE}.{response.status}",
        status=response.status,
        request_id=failure.request_id,
    )


def is_throttled(error: ProviderError, /) -> bool:
    """Whether a busy answer is about request rates: surely not executed, also for a write."""
    return isinstance(error, ProviderBusy) and (
        "Throttling" in error.code or error.retry_after is not None or error.status == TOO_MANY
    )


def _kind(failure: Failure, *, is_write: bool) -> type[ProviderError]:
    code, status = failure.code, failure.status
    if "Throttling" in code or failure.retry_after is not None or status == TOO_MANY:
        return ProviderBusy
    if code in BUSY_CODES:
        return ProviderBusy
    if status >= SERVER_FAULT or code == "SignatureNonceUsed":
        # Our nonces are new for every attempt: a used one means that the bytes arrived twice,
        # so the first of them may have been executed.
        return _unknown(is_write=is_write)
    return _refusal(code, status) if code else _without_code(status, is_write=is_write)


def _refusal(code: str, status: int) -> type[ProviderError]:
    if code in DENIED_CODES or status == HTTPStatus.UNAUTHORIZED:
        return ProviderDenied
    if re.match(_WRONG_DOOR, code):
        return ProviderRefused
    if re.search(_GONE, code) or status == HTTPStatus.NOT_FOUND:
        return ProviderNotFound
    if re.search(_TAKEN, code) or status == HTTPStatus.CONFLICT:
        return ProviderConflict
    return ProviderDenied if re.search(_DENIED, code) else ProviderRefused


def _without_code(status: int, *, is_write: bool) -> type[ProviderError]:
    """An answer that is not the vendor's: a proxy, a wrong host, or bytes that were lost."""
    if status in {401, 403, 407}:
        return ProviderDenied
    if is_success(status):
        return _unknown(is_write=is_write)
    return ProviderConflict if status == HTTPStatus.CONFLICT else ProviderRefused


def is_success(status: int, /) -> bool:
    """Whether an HTTP status promises success."""
    return status in _SUCCESS


def _unknown(*, is_write: bool) -> type[ProviderError]:
    return ProviderAmbiguous if is_write else ProviderTransient


def _envelope(body: bytes) -> Mapping[str, object]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(envelope: Mapping[str, object], *names: str) -> str:
    values = (envelope.get(name) for name in names)
    return next((value for value in values if isinstance(value, str)), "")


def _status(envelope: Mapping[str, object], status: int) -> int:
    """RocketMQ repeats the status inside; it is the true one when a refusal comes under 200."""
    inner = envelope.get("httpStatusCode")
    if status == HTTPStatus.OK and isinstance(inner, int) and inner >= HTTPStatus.BAD_REQUEST:
        return inner
    return status


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`x-acs-retry-after` in milliseconds; only a positive number counts."""
    text = headers.get("x-acs-retry-after", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) / 1000 if is_number and int(text) > 0 else None
