"""The zips for Function Compute: the same twice, whole, and every function in them runs."""

import asyncio
import importlib.util
import json
import os
import site
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from keylease.domain.events import (
    Event,
    EventData,
    ReleaseAsked,
    RequestCancelled,
    ReviewGiven,
    RotationDue,
)
from keylease.hosts.fc.layer import MARK
from keylease.ports.store import Batch, Outgoing
from keylease.runtime.bundle import function_names
from keylease.runtime.wiring import running
from tests.support.staged import PUBLIC, Staged, asking, staged
from tests.support.tree import ROOT

TIMER = {"triggerTime": "2026-01-01T00:00:00Z", "triggerName": "sweep", "payload": ""}
PAGE = {
    "version": "v1",
    "rawPath": "/claim/unknown",
    "headers": {"host": "keylease.example.com"},
    "body": "",
    "isBase64Encoded": False,
    "requestContext": {"http": {"method": "GET", "path": "/claim/unknown", "sourceIp": ""}},
}
LEASE = {"lease_id": "lease-1", "account_id": "rmq-demo/kl1", "rule": "orders"}
REVIEW = {
    "reviewer": "bo",
    "verdict": "approve",
    "digest": "",
    "platform": "slack",
    "tenant": "T0DEMO",
    "sender": "U0BO00001",
    "reason": "",
}
LARGEST_LAYER = 20 * 1024 * 1024
"""Bytes zipped: each cold start fetches it. It has some 15.2 MiB."""
DRIVER = """
import json, sys
import fc_entry, keylease
name, context = sys.argv[1], object()
getattr(fc_entry, name + "_initialize")(context)
answer = getattr(fc_entry, name)(sys.stdin.buffer.read(), context)
getattr(fc_entry, name + "_pre_stop")(context)
said = {"answer": answer, "from": keylease.__file__}
sys.stderr.write(json.dumps(said))
"""


def told(type_: str, subject: str, **content: Any) -> dict[str, Any]:
    """An event of this installation's own."""
    return {
        "specversion": "1.0",
        "id": f"evt-{type_}",
        "source": PUBLIC,
        "type": f"io.keylease.{type_}.v1",
        "subject": subject,
        "time": "2026-01-01T00:00:00Z",
        "data": content,
    }


HINT = told("outbox.waiting", "outbox")
EVENTS: dict[str, Any] = {
    "intake": asking(),
    "claim": PAGE,
    "decide": told("request.submitted", "req-1", request_id="req-1"),
    "review": HINT,
    "release": HINT,
    "converge": told("request.approved", "req-1", request_id="req-1", **LEASE),
    "rotate": HINT,
    "sweep": TIMER,
    "notify": HINT,
}
WAITING = {
    "review": ReviewGiven(request_id="req-1", **REVIEW),
    "release": ReleaseAsked(request_id="req-1", by="ana"),
    "rotate": RotationDue(account_id="rmq-demo/kl1"),
    "notify": RequestCancelled(request_id="req-1"),
}
"""What is never taken from a bus, and is found in the outbox by whoever is called."""


@pytest.fixture(scope="module")
def package() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fc_package", ROOT / "infra" / "package.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fc_package"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def code(package: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built: Path = package.build_code(tmp_path_factory.mktemp("built")).path
    return built


@pytest.fixture(scope="module")
def unpacked(package: ModuleType, code: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it lies in /code, with the mark of a layer beside it."""
    folder = tmp_path_factory.mktemp("code")
    with zipfile.ZipFile(code) as archive:
        archive.extractall(folder)
    (folder / MARK).write_text(package.layer_key())
    return folder


def test_two_builds_of_the_code_are_the_same_bytes(
    package: ModuleType, code: Path, tmp_path: Path
) -> None:
    again: Path = package.build_code(tmp_path).path

    assert again.read_bytes() == code.read_bytes()


def test_a_zip_depends_on_names_and_contents_only(package: ModuleType, tmp_path: Path) -> None:
    for folder, names in (("one", ["b.py", "a.py"]), ("two", ["a.py", "b.py", "c.pyc"])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text(name)
            os.utime(tmp_path / folder / name, (len(folder + name), 2_000_000_000))

    first = package.zipped(tmp_path / "one", into=tmp_path / "one.zip")
    second = package.zipped(tmp_path / "two", into=tmp_path / "two.zip")

    assert first.path.read_bytes() == second.path.read_bytes()


@pytest.mark.timeout(120)  # it fetches wheels that are not cached
def test_two_builds_of_the_layer_are_the_same_bytes(package: ModuleType, tmp_path: Path) -> None:
    first, second = (package.build_layer(tmp_path / name).path for name in ("one", "two"))

    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < LARGEST_LAYER
    assert first.name == f"layer-{package.layer_key()}.zip"
    assert "python/pydantic_core/_pydantic_core.cpython-312-x86_64-linux-gnu.so" in names
    assert not [name for name in names if name.startswith(("python/rich/", "python/typer/"))]


def test_the_code_holds_no_more_than_functions_need(code: Path) -> None:
    with zipfile.ZipFile(code) as archive:
        names = archive.namelist()

    assert "fc_entry.py" in names
    assert "keylease/_bundle/functions/decide/handler.py" in names
    assert not [name for name in names if name.startswith(("keylease/cli/", "keylease/emulator/"))]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sealing-k1.key", "c2VjcmV0"),
        (".env", "SLACK_BOT_TOKEN=xoxb"),
        ("ca.crt", "-----BEGIN PRIVATE KEY-----\n"),
        ("keylease.yaml", "key: '-----BEGIN EC PRIVATE KEY-----'"),
    ],
)
def test_a_secret_does_not_travel_with_the_code(
    package: ModuleType, tmp_path: Path, name: str, content: str
) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / name).write_text(content)

    with pytest.raises(SystemExit, match="a secret never travels with the code"):
        package.build_code(tmp_path, settings=folder)

    assert not (tmp_path / "code.zip").exists()


def test_settings_travel_with_the_code(package: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "keylease.yaml").write_text("{}")
    (folder / "rds-ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")

    built = package.build_code(tmp_path, settings=folder)

    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("settings/keylease.yaml") == b"{}"
        assert archive.read("settings/rds-ca.crt") == b"-----BEGIN CERTIFICATE-----\n"


def test_every_function_has_an_event_here() -> None:
    assert set(EVENTS) == function_names()


async def test_every_function_runs_from_the_zip(unpacked: Path, tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        said = {}
        for name in sorted(EVENTS):
            await leave(WAITING.get(name), stage, function=name)
            said[name] = await driven(name, unpacked, stage)
            assert await left(stage) == 0, name

    answers = {name: one["answer"] for name, one in said.items()}
    assert answers.pop("claim")["statusCode"] == 404
    became = {name: "ignored" if EVENTS[name] is HINT else "done" for name in answers}
    calm = {name: json.loads(answer) for name, answer in answers.items()}
    assert calm == {name: {"calm": True, one: 1} for name, one in became.items()}
    assert {one["from"] for one in said.values()} == {str(unpacked / "keylease" / "__init__.py")}


async def leave(content: EventData | None, stage: Staged, *, function: str) -> None:
    """Put an event into the outbox, for a function."""
    if content is None:
        return
    async with running(stage.settings, functions=(), variables=stage.variables) as keylease:
        event = Event.of(content, id=keylease.ids.new("evt"), time=keylease.clock.now())
        outgoing = Outgoing(event=event, destination=f"function:{function}")
        await keylease.store.commit(Batch(outgoing=(outgoing,)))


async def left(stage: Staged) -> int:
    """How many lanes wait in the outbox, and how many events were set aside."""
    async with running(stage.settings, functions=(), variables=stage.variables) as keylease:
        store, later = keylease.store, keylease.clock.now() + timedelta(days=1)
        return await store.lanes(before=later, limit=10) + len(await store.parked(limit=10))


async def driven(name: str, unpacked: Path, stage: Staged) -> Any:
    """What a function answers in a process that has the zip, and dependencies from here."""
    path = os.pathsep.join((str(unpacked), *site.getsitepackages()))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        DRIVER,
        name,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=stage.folder,
        env={**stage.environment, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    out, err = await process.communicate(json.dumps(EVENTS[name]).encode())
    assert process.returncode == 0, (out + err).decode()
    return json.loads(err)


def test_code_on_another_layer_says_so(unpacked: Path, tmp_path: Path) -> None:
    path = os.pathsep.join((str(unpacked), *site.getsitepackages()))
    (tmp_path / MARK).write_text("other")
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, "decide"],
        input=b"",
        capture_output=True,
        check=False,
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{path}"},
    )

    assert run.returncode == 1
    assert b"this code needs the dependency layer" in run.stderr
    assert b"and finds other" in run.stderr
