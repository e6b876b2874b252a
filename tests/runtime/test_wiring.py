"""Wiring: every function gets its ports, events find every function, nothing is made in vain."""

import dataclasses
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from keylease.adapters.alibaba.credentials import Credentials
from keylease.adapters.cloudevents.door import CloudEventsDoor
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.system.http import AiohttpHttp
from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.events import RequestSubmitted
from keylease.domain.trust import Trust
from keylease.errors import Misconfigured
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.store import Store
from keylease.runtime import cloud, sections
from keylease.runtime.bundle import function_names, load_function
from keylease.runtime.entrances import entrances
from keylease.runtime.filling import Parts
from keylease.runtime.routes import ROUTES
from keylease.runtime.settings import Settings, read_settings
from keylease.runtime.wiring import FUNCTIONS, running

SINK = "http://127.0.0.1:9/events"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_files(tmp_path)
    variables = made_secrets() | {"KEYLEASE_SINKS__EVENTS__URL": SINK}
    return read_settings(tmp_path / "keylease.yaml", variables=variables)


def test_routes_say_what_each_handler_says() -> None:
    routes = {route.name: route.consumes for route in ROUTES}

    assert routes == {name: load_function(name).consumes for name in function_names()}


def test_every_function_of_the_installation_is_wired() -> None:
    assert function_names() == FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
async def test_each_function_gets_its_ports_alone(settings: Settings, name: str) -> None:
    async with running(settings, functions={name}, variables={}) as keylease:
        handler: Any = keylease.process.functions[name].handler

    assert keylease.process.functions.keys() == {name}
    assert isinstance(handler, load_function(name).handler)  # type: ignore[arg-type]  # a class
    for field in dataclasses.fields(handler):
        assert getattr(handler, field.name) is not None


async def test_all_functions_share_one_store_and_one_clock(settings: Settings) -> None:
    async with running(settings, variables={}) as keylease:
        handlers = [bound.handler for bound in keylease.process.functions.values()]

        stores = {id(one.store) for one in handlers if hasattr(one, "store")}
        assert stores == {id(keylease.store)}
        assert keylease.clock is await keylease.parts.get(Clock)


async def test_events_go_to_functions_that_run_elsewhere(settings: Settings) -> None:
    async with running(settings, functions={"intake"}, variables={}) as keylease:
        router = keylease.process.commits.router

        found = router.destinations(RequestSubmitted(request_id="req-1"))

    assert found == ("function:decide", "sink:events")


async def test_only_the_outward_function_opens_sinks(settings: Settings) -> None:
    async with running(settings, functions={"decide"}, variables={}) as decide:
        assert decide.process.sinks == {}
    async with running(settings, functions={"notify"}, variables={}) as notify:
        assert notify.process.sinks.keys() == {"events"}


async def test_a_wrap_is_put_around_every_port_once(settings: Settings) -> None:
    seen: list[str] = []

    def wrap(kind: type, part: Any, /) -> Any:
        seen.append(kind.__name__)
        return part

    async with running(settings, wrap=wrap, variables={}):
        pass

    assert len(seen) == len(set(seen))
    assert {"Store", "Clock", "Ids", "Http", "Accounts", "Directory", "Chats", "Secrets"} <= set(
        seen
    )


async def test_what_wrap_returns_is_what_handlers_get(settings: Settings) -> None:
    clock = ManualClock()

    def wrap(kind: type, part: Any, /) -> Any:
        return clock if kind is Clock else part

    async with running(settings, functions={"decide"}, wrap=wrap, variables={}) as keylease:
        handler: Any = keylease.process.functions["decide"].handler

        assert handler.clock is clock
        assert handler.terms.clock is clock
        assert keylease.clock is clock


async def test_a_time_limit_reaches_the_field_of_its_name(settings: Settings) -> None:
    hasty = settings.model_copy(update={"answer_by": timedelta(minutes=3)})

    async with running(hasty, functions={"intake"}, variables={}) as keylease:
        handler: Any = keylease.process.functions["intake"].handler

    assert handler.answer_within == timedelta(minutes=3)


async def test_an_unknown_function_is_refused(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="no function is called 'dance'"):
        async with running(settings, functions={"dance"}, variables={}):
            pass


async def test_without_a_sealing_key_only_what_seals_fails(settings: Settings) -> None:
    bare = settings.model_copy(update={"sealing": None})

    async with running(bare, functions={"decide"}, variables={}):
        pass
    with pytest.raises(Misconfigured, match="keylease keys new"):
        async with running(bare, functions={"converge"}, variables={}):
            pass


async def test_a_type_that_nothing_keeps_is_named() -> None:
    @dataclasses.dataclass(frozen=True)
    class Needy:
        what: complex

    parts = Parts(makers={}, stack=AsyncExitStack())

    with pytest.raises(Misconfigured, match=r"nothing keeps builtins\.complex"):
        await parts.filled(Needy)


async def test_parts_are_made_once_and_only_when_asked() -> None:
    made: list[str] = []

    async def catalog(_: Parts) -> str:
        made.append("catalog")
        return "the catalog"

    async def directory(_: Parts) -> str:
        made.append("directory")
        return "the directory"

    parts = Parts(makers={"Catalog": catalog, "Directory": directory}, stack=AsyncExitStack())

    first, second = await parts.get(Catalog), await parts.get(Catalog)

    assert first is second
    assert made == ["catalog"]


SOURCES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "environment"}, "EnvironmentCredentials"),
    ({"kind": "fc"}, "FunctionComputeCredentials"),
    ({"kind": "uri", "uri": "http://127.0.0.1/x"}, "UriCredentials"),
    ({"kind": "ecs", "role": "r"}, "EcsCredentials"),
    ({"kind": "default"}, "ChainedCredentials"),
    ({"kind": "oidc", "role_arn": "r", "provider_arn": "p", "token_file": "f"}, "OidcCredentials"),
    ({"kind": "assume_role", "role_arn": "r"}, "AssumeRoleCredentials"),
]


@pytest.mark.parametrize(("given", "kind"), SOURCES)
def test_each_source_of_keys_becomes_its_adapter(given: dict[str, Any], kind: str) -> None:
    section = sections.Alibaba.model_validate({"credentials": given})
    builder = cloud.Builder(
        section, http=AiohttpHttp(), clock=ManualClock(), ids=SeededIds(), variables={}
    )

    source: Credentials = builder.source(section.credentials)

    assert type(source).__name__ == kind


def test_a_machine_is_trusted_with_what_settings_say(settings: Settings) -> None:
    doors: Any = entrances(settings)

    assert doors.slack.keys() == {"demo"}
    assert doors.webhook["tickets"].trust == Trust(files_for=frozenset({"slack:T0DEMO"}))
    assert isinstance(doors.events, CloudEventsDoor)
    assert doors.events.producers[0].sources == {"urn:billing"}
    assert doors.events.producers[0].trust == Trust()


def test_without_producers_there_is_no_door_for_events(settings: Settings) -> None:
    bare = settings.model_copy(update={"events": sections.Events()})

    assert entrances(bare).events is None


def test_handlers_name_ports_and_not_adapters() -> None:
    for name in function_names():
        for kind in get_type_hints(load_function(name).handler).values():
            assert not kind.__module__.startswith("keylease.adapters"), f"{name} wants {kind}"


def test_deciding_loads_neither_http_nor_pages_nor_ciphers(settings: Settings) -> None:
    """In a process of its own, as a cold start is."""
    program = f"""
import asyncio, sys
for name in ("rich", "typer"):
    sys.modules[name] = None
from pathlib import Path
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import running
async def main():
    settings = read_settings(
        Path({str(settings.policy.parent / "keylease.yaml")!r}),
        variables={{"KEYLEASE_SINKS__EVENTS__URL": {SINK!r}}},
    )
    async with running(settings, functions={{"decide"}}, variables={{}}):
        print(*[one for one in ("aiohttp", "jinja2", "cryptography") if one in sys.modules])
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


async def test_the_store_is_closed_at_the_end(settings: Settings) -> None:
    async with running(settings, functions={"intake"}, variables={}) as keylease:
        store = await keylease.parts.get(Store)
        assert await store.parked(limit=1) == ()

    left = sorted(path.name for path in settings.store_path.parent.glob("keylease.db*"))
    assert left == ["keylease.db"]
