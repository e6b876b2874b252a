"""The custom runtime and container: what the platform calls, over real HTTP."""

import asyncio
import io
import json
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from keylease.errors import Misconfigured
from keylease.hosts.fc.custom import (
    LARGEST,
    Custom,
    Serves,
    call_id_of,
    custom,
    port_of,
    seconds_of,
    serving,
)
from keylease.runtime.settings import environment
from tests.support.staged import Staged, asking, staged

ON_PLATFORM = {"FC_FUNCTION_NAME": "keylease"}
FAILED = (404, "404")
KEY = {
    "x-fc-access-key-id": "STS.first",
    "x-fc-access-key-secret": "first secret",
    "x-fc-security-token": "first token",
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Staged]:
    async with staged(tmp_path) as found:
        yield found


@dataclass(frozen=True, slots=True)
class Answered:
    """What the platform gets back."""

    status: int
    fc_status: str | None
    text: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def verdict(self) -> tuple[int, str | None]:
        return self.status, self.fc_status


@dataclass(frozen=True, slots=True)
class Platform:
    """Calls a function as the platform does."""

    function: Custom
    url: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answered:
        given = {"content-type": "application/octet-stream", **(headers or {})}
        async with self.session.request(
            method, f"{self.url}{path}", data=io.BytesIO(body), headers=given
        ) as response:
            said = response.headers
            return Answered(response.status, said.get("x-fc-status"), await response.text(), said)

    async def invoke(self, event: object, **headers: str) -> Answered:
        """One event; underscores of a header's name stand for dashes."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return await self.call(
            "POST", "/invoke", body, {k.replace("_", "-"): v for k, v in headers.items()}
        )


@asynccontextmanager
async def platform(
    stage: Staged, name: str = "intake", *, serves: Serves = Serves.EVENTS
) -> AsyncIterator[Platform]:
    function = custom(name, variables={**stage.environment, **ON_PLATFORM})
    async with (
        serving(function, serves=serves, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Platform(function, f"http://127.0.0.1:{port}", session)


async def test_a_queue_s_messages_become_leases(stage: Staged) -> None:
    async with platform(stage) as fc:
        answer = await fc.invoke([asking("a"), asking("b"), {"nonsense": 1}])

    assert answer.status == 200
    assert answer.json == {"calm": True, "done": 2, "parked": 1}
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    types = [event["type"] for event in stage.receiver.events]
    assert types.count("io.keylease.lease.activated.v1") == 2


async def test_two_calls_at_once_are_both_taken_in(stage: Staged) -> None:
    async with platform(stage) as fc:
        answers = await asyncio.gather(*(fc.invoke(asking(f"ask-{n}")) for n in range(8)))

    assert [answer.json["done"] for answer in answers] == [1] * 8
    types = [event["type"] for event in stage.receiver.events]
    assert types.count("io.keylease.lease.activated.v1") == 8


async def test_the_hooks_may_come_in_any_order_and_any_number(stage: Staged) -> None:
    async with platform(stage) as fc:
        hooks = [("GET", "/pre-stop"), ("POST", "/initialize"), ("POST", "/initialize")]
        for method, path in [*hooks, ("GET", "/pre-stop"), ("GET", "/pre-stop")]:
            assert (await fc.call(method, path)).verdict == (200, None)
        answer = await fc.invoke(asking())

    assert answer.json == {"calm": True, "done": 1}


async def test_an_initializer_that_lacks_something_fails(stage: Staged) -> None:
    (stage.folder / "policy.yaml").unlink()

    with capture_logs() as logs:
        async with platform(stage, "decide") as fc:
            answer = await fc.call("POST", "/initialize")

    assert answer.verdict == FAILED
    assert answer.text == ""
    assert [line["route"] for line in logs if line["event"] == "host.failed"] == ["/initialize"]


async def test_what_cannot_be_stored_fails_the_call_and_is_taken_later(stage: Staged) -> None:
    async with platform(stage) as fc:
        await fc.call("POST", "/initialize")
        with closing(sqlite3.connect(stage.folder / "keylease.db")) as other:
            other.execute("ALTER TABLE inbox RENAME TO away")
            with capture_logs() as logs:
                failed = await fc.invoke(asking())
            other.execute("ALTER TABLE away RENAME TO inbox")
        taken = await fc.invoke(asking())

    assert failed.verdict == FAILED
    assert [line["route"] for line in logs if line["event"] == "host.failed"] == ["/invoke"]
    assert taken.json == {"calm": True, "done": 1}


async def test_a_call_answers_in_time_and_leaves_what_is_slow_to_the_next(stage: Staged) -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_answers:
        url = f"http://127.0.0.1:{never_answers.getsockname()[1]}/"
        slow = {**stage.variables, "KEYLEASE_SINKS__EVENTS__URL": url}
        async with platform(replace(stage, variables=slow)) as fc, asyncio.timeout(8):
            cut = await fc.invoke(asking(), x_fc_function_timeout="4")
    async with platform(stage) as fc:
        after = await fc.invoke([])

    assert cut.json == {"calm": False, "done": 1}
    assert after.json == {"calm": True}
    assert stage.receiver.events[-1]["type"] == "io.keylease.lease.activated.v1"


async def test_the_latest_key_signs_and_is_never_logged(
    stage: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        async with platform(stage) as fc:
            await fc.call("POST", "/initialize", headers=KEY)
            first = dict(fc.function.key)
            renewed = {name: value.replace("first", "second") for name, value in KEY.items()}
            await fc.call("POST", "/invoke", b"{}", renewed)
            second = dict(fc.function.key)
            await fc.call("POST", "/invoke", b"{}", {"x-fc-access-key-id": "STS.half"})
            shown, half = repr(fc.function), dict(fc.function.key)

    assert first["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == "first secret"
    assert second == half
    assert second == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.second",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "second secret",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "second token",
    }
    captured = capsys.readouterr()
    told = f"{logs}{captured.out}{captured.err}{shown}"
    assert not any(value in told for value in [*KEY.values(), *renewed.values(), "STS.half"])


async def test_the_key_of_the_call_goes_before_the_one_of_the_environment(stage: Staged) -> None:
    async with platform(stage) as fc:
        seen = fc.function.instance.variables
        before = seen.get("ALIBABA_CLOUD_ACCESS_KEY_ID")
        await fc.call("POST", "/initialize", headers=KEY)

        assert before is None
        assert seen["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "STS.first"
        assert seen["FC_FUNCTION_NAME"] == "keylease"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", "/invoke/", 404),
        ("GET", "/invoke", 405),
        ("POST", "/pre-stop", 405),
        ("GET", "/pre-freeze", 404),
        ("POST", "/events", 404),
    ],
)
async def test_what_is_no_call_of_the_platform_opens_nothing(
    stage: Staged, method: str, path: str, status: int
) -> None:
    async with platform(stage) as fc:
        answer = await fc.call(method, path, b"{}")

    assert answer.status == status
    assert not (stage.folder / "keylease.db").exists()


async def test_a_body_beyond_the_platform_s_own_limit_fails(stage: Staged) -> None:
    with capture_logs():  # it would show the body
        async with platform(stage) as fc:
            refused = await fc.invoke(b" " * (LARGEST + 1))
            answer = await fc.invoke(b" " * (LARGEST - 1))

    assert refused.verdict == FAILED
    assert answer.json == {"calm": True, "parked": 1}


async def test_the_lines_of_a_call_stand_between_the_platform_s_marks(
    stage: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    async with platform(stage) as fc:
        await fc.invoke({}, x_fc_request_id="1-64f6cd87-15a0b5c0")
        await fc.invoke({}, x_fc_request_id="1 forged=yes")

    marks = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FC ")]
    assert marks == [
        "FC Invoke Start RequestId: 1-64f6cd87-15a0b5c0",
        "FC Invoke End RequestId: 1-64f6cd87-15a0b5c0",
        "FC Invoke Start RequestId: unknown",
        "FC Invoke End RequestId: unknown",
    ]


async def test_a_function_that_serves_http_takes_no_event(stage: Staged) -> None:
    headers = {
        "authorization": f"Bearer {stage.bearer}",
        "content-type": "application/cloudevents+json",
    }
    async with platform(stage, serves=Serves.HTTP) as fc:
        event = await fc.invoke(asking("through the back door"))
        taken = await fc.call("POST", "/events", json.dumps(asking()).encode(), headers)
        refused = await fc.call("POST", "/events", json.dumps(asking()).encode())
        hooks = [await fc.call("POST", "/initialize"), await fc.call("GET", "/pre-stop")]
        healthy = await fc.call("GET", "/readyz")

    assert (event.status, taken.status, refused.status) == (404, 202, 401)
    assert [hook.status for hook in hooks] == [200, 200]
    assert healthy.json == {"status": "ready"}


def test_elsewhere_it_does_not_start(stage: Staged) -> None:
    with pytest.raises(Misconfigured, match="FC_FUNCTION_NAME is not set"):
        custom("intake", variables=stage.environment)


@pytest.mark.parametrize(
    ("variables", "port"),
    [
        ({}, 9000),
        ({"PORT": "8080"}, 8080),
        ({"FC_SERVER_PORT": "9001", "PORT": "8080"}, 9001),
        ({"FC_SERVER_PORT": ""}, 9000),
        ({"FC_SERVER_PORT": "many"}, 9000),
    ],
)
def test_it_listens_where_the_platform_calls(variables: dict[str, str], port: int) -> None:
    assert port_of(variables) == port


@pytest.mark.parametrize(
    ("text", "seconds"), [("20", 20.0), ("", 60.0), ("0", 60.0), ("-1", 60.0), ("٣", 60.0)]
)
def test_a_call_may_take_as_long_as_its_function(text: str, seconds: float) -> None:
    assert seconds_of({"x-fc-function-timeout": text}) == seconds


def test_a_call_id_that_could_forge_a_line_is_not_repeated() -> None:
    assert call_id_of({"x-fc-request-id": "1-a\nFC Invoke"}) == "unknown"
    assert call_id_of({}) == "unknown"
    assert call_id_of({"x-fc-request-id": "1-64f6cd87"}) == "1-64f6cd87"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended."""

    code: int | None
    out: str


async def program(stage: Staged, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """`python -m keylease.hosts.fc`, as a container starts it."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keylease.hosts.fc", *arguments),
        env={**environment(), **stage.environment, **variables},
        cwd=stage.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def ended(process: asyncio.subprocess.Process) -> Ended:
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    return Ended(process.returncode, out.decode())


async def listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)


async def test_the_program_serves_until_sigterm_and_says_no_secret(stage: Staged) -> None:
    port = free_port()
    process = await program(stage, "intake", **ON_PLATFORM, FC_SERVER_PORT=str(port))
    async with aiohttp.ClientSession() as session:
        await listens(port)
        for path, body in (("initialize", b""), ("invoke", json.dumps([asking()]).encode())):
            url = f"http://127.0.0.1:{port}/{path}"
            async with session.post(url, data=body, headers=KEY) as response:
                assert response.status == 200
                answer = await response.text()
    process.send_signal(signal.SIGTERM)
    end = await ended(process)

    assert json.loads(answer) == {"calm": True, "done": 1}
    assert end.code == 0
    assert "FC Invoke End RequestId: unknown" in end.out
    lines = [json.loads(line) for line in end.out.splitlines() if line.startswith("{")]
    assert "fc.ready" in [line["event"] for line in lines]
    secrets = [*KEY.values(), *(v for k, v in stage.variables.items() if k.startswith("DEMO_"))]
    assert not [secret for secret in secrets if secret in end.out]


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "says"),
    [
        ((), ON_PLATFORM, 64, "usage: python -m keylease.hosts.fc claim|"),
        (("nothing",), ON_PLATFORM, 64, "usage:"),
        (("intake", "mail"), ON_PLATFORM, 64, "usage:"),
        (("intake", "events", "http"), ON_PLATFORM, 64, "usage:"),
        (("intake",), {}, 78, "FC_FUNCTION_NAME is not set"),
        (("intake", "http"), {**ON_PLATFORM, "KEYLEASE_CONFIG": "none.yaml"}, 78, "none.yaml"),
    ],
)
async def test_the_program_says_why_it_does_not_start(
    stage: Staged, arguments: tuple[str, ...], variables: dict[str, str], code: int, says: str
) -> None:
    end = await ended(await program(stage, *arguments, **variables))

    assert end.code == code
    assert says in end.out
    assert "Traceback" not in end.out


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
