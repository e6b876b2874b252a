"""Every kind of answer becomes the error that says what may be done next."""

import json

import pytest

from keylease.adapters.alibaba.errors import error_of, failure_of, is_throttled
from keylease.errors import Retry
from keylease.ports.http import HttpResponse

CANARY = "canary-9f2c"


def rpc(status: int, code: str, **headers: str) -> HttpResponse:
    body = {"RequestId": "R-1", "HostId": "h", "Code": code, "Message": f"no {CANARY}"}
    return HttpResponse(status=status, headers=headers, body=json.dumps(body).encode())


def roa(status: int, code: str) -> HttpResponse:
    body = {"requestId": "R-1", "success": False, "code": code, "message": f"no {CANARY}"}
    return HttpResponse(status=status, body=json.dumps(body).encode())


TABLE = [
    # status, code, read, write
    (400, "Throttling.User", "Busy", "Busy"),
    (400, "Throttling", "Busy", "Busy"),
    (503, "Throttling.Api", "Busy", "Busy"),
    (429, "Rejected.Throttling", "Busy", "Busy"),
    (429, "TooManyRequests", "Busy", "Busy"),
    (400, "IncorrectDBInstanceState", "Busy", "Busy"),
    (403, "OperationDeniedDBStatus", "Busy", "Busy"),
    (400, "LockTimeout", "Busy", "Busy"),
    (403, "OperationDenied.AccountStatus", "Busy", "Busy"),
    (400, "TaskExists", "Busy", "Busy"),
    (500, "InternalError", "Transient", "Ambiguous"),
    (502, "Whatever", "Transient", "Ambiguous"),
    (503, "ServiceUnavailable", "Transient", "Ambiguous"),
    (400, "SignatureNonceUsed", "Transient", "Ambiguous"),
    (400, "InvalidAccountName.Duplicate", "Conflict", "Conflict"),
    (409, "InstanceAccount.Existed", "Conflict", "Conflict"),
    (409, "Some.NewCode", "Conflict", "Conflict"),
    (404, "InvalidAccountName.NotFound", "NotFound", "NotFound"),
    (404, "InvalidInstanceId.NotFound", "NotFound", "NotFound"),
    (400, "InstanceAccount.NotExisted", "NotFound", "NotFound"),
    (404, "InstanceAcl.NotExisted", "NotFound", "NotFound"),
    (400, "Topic.NotFound", "NotFound", "NotFound"),
    (404, "Some.NewCode", "NotFound", "NotFound"),
    (404, "Forbidden.ResourceNotFound", "NotFound", "NotFound"),
    (400, "SignatureDoesNotMatch", "Denied", "Denied"),
    (403, "SignatureDoesNotMatch", "Denied", "Denied"),
    (400, "IncompleteSignature", "Denied", "Denied"),
    (404, "InvalidAccessKeyId.NotFound", "Denied", "Denied"),
    (400, "InvalidAccessKeyId.Inactive", "Denied", "Denied"),
    (400, "InvalidTimeStamp.Expired", "Denied", "Denied"),
    (400, "InvalidSecurityToken.Expired", "Denied", "Denied"),
    (403, "Forbidden.RAM", "Denied", "Denied"),
    (403, "NoPermission", "Denied", "Denied"),
    (404, "InvalidApi.NotFound", "Refused", "Refused"),
    (404, "InvalidProduct.NotFound", "Refused", "Refused"),
    (404, "InvalidRegion.NotFound", "Refused", "Refused"),
    (400, "InvalidAccountName.Forbid", "Refused", "Refused"),
    (400, "InvalidAccountPassword.Format", "Refused", "Refused"),
    (403, "AccountLimitExceeded", "Refused", "Refused"),
    (400, "MissingInstanceId", "Refused", "Refused"),
]


@pytest.mark.parametrize("envelope", [rpc, roa], ids=["upper", "lower"])
@pytest.mark.parametrize(("status", "code", "read", "write"), TABLE)
def test_a_code_and_status_become_one_error(
    envelope: object, status: int, code: str, read: str, write: str
) -> None:
    response = (rpc if envelope is rpc else roa)(status, code)

    for is_write, expected in ((False, read), (True, write)):
        error = error_of(failure_of(response), provider="p", is_write=is_write)
        assert type(error).__name__ == f"Provider{expected}"
        assert (error.code, error.status, error.request_id) == (code, status, "R-1")
        assert str(error) == f"p: {code} (request id R-1)"


@pytest.mark.parametrize(
    ("status", "body", "read", "write"),
    [
        (401, b"", "Denied", "Denied"),
        (403, b"<html>proxy</html>", "Denied", "Denied"),
        (404, b"<html>not here</html>", "Refused", "Refused"),
        (400, b'{"trunc', "Refused", "Refused"),
        (409, b"", "Conflict", "Conflict"),
        (302, b"", "Refused", "Refused"),
        (500, b"<html>", "Transient", "Ambiguous"),
        (504, b"", "Transient", "Ambiguous"),
        (429, b"slow down", "Busy", "Busy"),
        (200, b'{"success": false}', "Transient", "Ambiguous"),
        (500, b"[" * 100_000, "Transient", "Ambiguous"),
    ],
)
def test_an_answer_that_is_not_the_vendors_proves_nothing(
    status: int, body: bytes, read: str, write: str
) -> None:
    failure = failure_of(HttpResponse(status=status, body=body))

    kinds = [
        type(error_of(failure, provider="p", is_write=is_write)).__name__
        for is_write in (False, True)
    ]

    assert kinds == [f"Provider{read}", f"Provider{write}"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1500", 1.5), ("1", 0.001), ("0", None), ("-5", None), ("soon", None), ("9" * 30, None)],
)
def test_retry_after_is_read_as_milliseconds(header: str, seconds: float | None) -> None:
    response = rpc(400, "Throttling.User", **{"x-acs-retry-after": header})

    error = error_of(failure_of(response), provider="p", is_write=True)

    assert error.retry_after == seconds
    assert is_throttled(error)


def test_retry_after_makes_any_refusal_a_wait() -> None:
    response = rpc(503, "Whatever", **{"x-acs-retry-after": "200"})

    error = error_of(failure_of(response), provider="p", is_write=True)

    assert (error.retry, error.retry_after, is_throttled(error)) == (Retry.LATER, 0.2, True)


def test_a_busy_object_is_not_throttling() -> None:
    error = error_of(failure_of(rpc(400, "TaskExists")), provider="p", is_write=True)

    assert not is_throttled(error)


def test_nothing_of_the_body_but_well_formed_code_and_request_id_gets_into_an_error() -> None:
    body = {"Code": f"no {CANARY}", "RequestId": f"no {CANARY}", "Message": CANARY}
    response = HttpResponse(status=400, body=json.dumps(body).encode())

    error = error_of(failure_of(response), provider="p", is_write=True)

    assert CANARY not in f"{error} {error!r} {vars(error)}"


def test_the_status_inside_counts_when_a_refusal_comes_as_200() -> None:
    body = {"success": False, "code": "Any.Code", "httpStatusCode": 404, "requestId": "R"}
    failure = failure_of(HttpResponse(status=200, body=json.dumps(body).encode()))

    assert (failure.status, failure.was_refused) == (404, True)
