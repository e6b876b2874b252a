"""Whatever arrives, the answer is a 4xx or a closed connection, never a 5xx, never a log of one."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keylease.emulator import Emulator
from tests.emulator.raw import Raw
from tests.emulator.sdk import INSTANCE, REDIS

REQUESTS = (
    Raw.kvstore("DescribeAccounts", InstanceId=REDIS),
    Raw.kvstore_form("CreateAccount", InstanceId=REDIS, AccountName="app1"),
    Raw.rocketmq("GetInstance", "GET", "instances", INSTANCE),
    Raw.rocketmq(
        "CreateInstanceAccount",
        "POST",
        "instances",
        INSTANCE,
        "accounts",
        document={"username": "app", "password": "p"},
    ),
    Raw(
        action="AssumeRoleWithOIDC",
        version="2015-04-01",
        query={"RoleArn": "acs:ram::1:role/a", "RoleSessionName": "ab"},
    ),
)
CONTROLS = (
    b"GET /_emulator/state HTTP/1.1\r\nHost: x\r\n\r\n",
    b'POST /_emulator/faults HTTP/1.1\r\nContent-Length: 18\r\n\r\n{"kind": "refuse"}',
    b'POST /_emulator/clock HTTP/1.1\r\nContent-Length: 14\r\n\r\n{"advance": 1}',
    b"PUT /latest/api/token HTTP/1.1\r\nX-aliyun-ecs-metadata-token-ttl-seconds: 60\r\n\r\n",
)
UNFINISHED = 0.1
patient = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def encoded(raw: Raw) -> bytes:
    """A signed request as bytes on the wire."""
    headers = raw.signed_headers("127.0.0.1:1")
    lines = [f"{raw.method} {raw.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(raw.body)}", "", ""]
    return "\r\n".join(lines).encode() + raw.body


VALID = (*map(encoded, REQUESTS), *CONTROLS)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid request with a few stretches of bytes replaced by others."""
    request = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(request)))
        end = draw(st.integers(start, min(len(request), start + 8)))
        request = request[:start] + draw(st.binary(max_size=8)) + request[end:]
    return request


async def first_line(emulator: Emulator, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.site.port)
    writer.write(request)
    line = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        async with asyncio.timeout(UNFINISHED):  # the server waits for the rest of a half request
            line = await reader.readline()
    writer.close()
    return line


async def guarded(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Emulator]:
    caplog.set_level(logging.ERROR)
    yield emulator
    assert [record.getMessage() for record in caplog.records] == []


guarded_emulator = pytest.fixture(guarded)


@patient
@given(request=mutated())
@example(request=b"GET http://x/ HTTP/1.1\r\n\r\n")
@example(request=b"GET * HTTP/1.1\r\nHost: x\r\n\r\n")
@example(request=b"GET /%ff%fe%00/%zz?%=&=&&%ff HTTP/1.1\r\nHost: x\r\n\r\n")
@example(
    request=b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
)
@example(request=b"GET /\xff HTTP/1.1\r\nHost: \xff\r\nx-acs-date: \xff\r\n\r\n")
async def test_a_mutated_request_never_answers_5xx(
    guarded_emulator: Emulator, request: bytes
) -> None:
    guarded_emulator.faults.clear()

    line = await first_line(guarded_emulator, request)

    assert not line.startswith(b"HTTP/1.1 5"), request
    assert not line.startswith(b"HTTP/1.0 5"), request


@patient
@given(request=st.binary(max_size=300))
async def test_random_bytes_never_answer_5xx(guarded_emulator: Emulator, request: bytes) -> None:
    line = await first_line(guarded_emulator, request)

    assert line == b"" or line.split()[1].startswith(b"4"), line


@pytest.mark.parametrize("request_bytes", VALID)
async def test_every_request_that_is_mutated_is_answered_whole(
    emulator: Emulator, request_bytes: bytes
) -> None:
    line = await first_line(emulator, request_bytes)

    assert line.split()[1] in {b"200", b"400"}


async def test_a_body_that_is_too_large_answers_json(emulator: Emulator) -> None:
    size = 3 * 1024 * 1024
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()

    line = await first_line(emulator, head + b"x" * size)

    assert line.split()[1] == b"413"
