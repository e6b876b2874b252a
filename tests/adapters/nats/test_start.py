"""A start on a server that will not do says what differs, and what to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import nats
import pytest
from nats.js import api

from keylease.adapters.nats import connection
from keylease.adapters.nats.connection import Jet, Login, connected
from keylease.adapters.nats.layout import Layout
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured
from tests.support.bus import jet_on
from tests.support.nats_server import NatsServer, nats_server

USERS = """
authorization { users = [ {user: ana, password: right} ] }
"""


async def refused(server: NatsServer, login: Login | None = None, *, creates: bool = True) -> str:
    with pytest.raises(Misconfigured) as caught:
        async with connected(
            (server.url,), login=login or Login(), layout=Layout(), creates=creates
        ):
            raise AssertionError("it was let in")
    return str(caught.value)


@asynccontextmanager
async def older(version: str) -> AsyncIterator[str]:
    """A server of that version, as far as a client sees at first."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "old", "version": version, "max_payload": 1024, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with listener:
        yield f"nats://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


async def test_a_server_that_is_too_old_is_refused() -> None:
    async with older("2.11.9") as url:
        with pytest.raises(Misconfigured, match=r"the server is 2\.11\.9, and 2\.12 is the oldest"):
            async with connected((url,), login=Login(), layout=Layout()):
                pass


async def test_a_server_without_jetstream_is_refused() -> None:
    async with nats_server(jetstream=False) as server:
        assert "JetStream is off" in await refused(server)


async def test_a_server_that_is_not_there_is_named(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STARTS_WITHIN", timedelta(seconds=0.6))
    await server.kill()

    said = await refused(server)

    assert said.startswith(f"nats: no server of {server.url} lets us in")
    assert said.endswith("see nats.servers")


async def test_a_wrong_password_is_refused_and_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STARTS_WITHIN", timedelta(seconds=0.6))
    async with nats_server(settings=USERS) as server:
        said = await refused(server, Login(user="ana", password=Secret("wrong-1")))

        assert "Authorization Violation" in said
        assert "wrong-1" not in said


async def test_the_right_password_opens() -> None:
    async with nats_server(settings=USERS) as server:
        login = Login(user="ana", password=Secret("right"))
        async with connected((server.url,), login=login, layout=Layout()) as jet:
            assert jet.is_there


async def test_a_token_opens() -> None:
    async with nats_server(settings="authorization { token: sesame }") as server:
        login = Login(token=Secret("sesame"))
        async with connected((server.url,), login=login, layout=Layout()) as jet:
            assert jet.is_there


async def test_what_is_missing_is_made_once(server: NatsServer) -> None:
    async with jet_on(server) as first, jet_on(server):
        names = sorted(str(one.config.name) for one in await first.js.streams_info())

    assert names == ["KEYLEASE", "KEYLEASE_DEAD", "KEYLEASE_TIMER"]


async def test_what_is_missing_is_named_when_it_may_not_be_made(server: NatsServer) -> None:
    said = await refused(server, creates=False)

    assert said == "nats: stream KEYLEASE is not there; make it, or set nats.creates to true"


async def changed(server: NatsServer, **fields: object) -> None:
    """The work stream, as somebody else made it."""
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(Layout().streams()[0].evolve(**fields))
    await client.close()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"retention": "limits"}, "retention is limits, must be workqueue"),
        ({"discard": "old"}, "discard is old, must be new"),
        ({"storage": "memory"}, "storage is memory, must be file"),
        ({"max_age": 60.0, "duplicate_window": 60.0}, "max_age is 60.0, must be 0"),
        ({"duplicate_window": 5.0}, "duplicate_window is 5.0, must be 600.0"),
        ({"no_ack": True}, "no_ack is True, must be False"),
        (
            {"subjects": ["keylease.do.>", "other"]},
            "subjects is ['keylease.do.>', 'other'], must be ['keylease.do.>']",
        ),
        ({"max_msgs_per_subject": 1}, "max_msgs_per_subject is 1, must be -1"),
    ],
)
async def test_a_stream_that_differs_is_refused_field_by_field(
    server: NatsServer, fields: dict[str, object], said: str
) -> None:
    await changed(server, **fields)

    words = await refused(server)

    assert words.startswith("nats: stream KEYLEASE: ")
    assert said in words
    assert "nats stream edit" in words


async def test_limits_that_lose_nothing_are_the_operators(server: NatsServer) -> None:
    await changed(server, max_bytes=10_000_000, description="ours", compression="s2")

    async with jet_on(server) as jet:
        assert jet.is_there


async def test_more_copies_than_there_are_servers_are_refused(server: NatsServer) -> None:
    with pytest.raises(Misconfigured, match="stream KEYLEASE cannot be made"):
        async with jet_on(server, layout=Layout(replicas=3)):
            pass


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ack_wait": 5.0}, "ack_wait is 5.0, must be 1.5"),
        ({"max_deliver": 3}, "max_deliver is 3, must be -1"),
        ({"max_ack_pending": 1}, "max_ack_pending is 1, must be 10000"),
        (
            {"filter_subject": "keylease.do.>"},
            "filter_subject is keylease.do.>, must be keylease.do.decide.>",
        ),
    ],
)
async def test_a_consumer_that_differs_is_refused_field_by_field(
    jet: Jet, fields: dict[str, object], said: str
) -> None:
    wanted = jet.layout.consumer("decide")
    await jet.js.add_consumer("KEYLEASE", wanted.evolve(**fields))

    with pytest.raises(Misconfigured) as caught:
        await jet.ensure_consumer("KEYLEASE", wanted)

    (found,) = await jet.js.consumers_info("KEYLEASE")
    assert found.config.durable_name == wanted.durable_name

    assert said in str(caught.value)
    assert "consumer decide of stream KEYLEASE" in str(caught.value)


async def test_a_consumer_beside_which_ours_cannot_stand_is_refused(jet: Jet) -> None:
    greedy = jet.layout.consumer("decide").evolve(durable_name="theirs", name="theirs")
    await jet.js.add_consumer("KEYLEASE", greedy)

    with pytest.raises(
        Misconfigured, match=r"consumer decide of stream KEYLEASE cannot be made \("
    ):
        await jet.ensure_consumer("KEYLEASE", jet.layout.consumer("decide"))


async def test_a_consumer_as_it_must_be_is_taken(jet: Jet) -> None:
    wanted: api.ConsumerConfig = jet.layout.consumer("decide")
    for _ in range(2):
        await jet.ensure_consumer("KEYLEASE", wanted)

    (found,) = await jet.js.consumers_info("KEYLEASE")
    assert found.config.durable_name == wanted.durable_name


@pytest.mark.parametrize("text", ["", "eyJ0.x.y", "SUAB", "eyJ0.x.y\nSU!!"])
async def test_credentials_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="not a credentials file"):
        Login(credentials=Secret(text)).options()
