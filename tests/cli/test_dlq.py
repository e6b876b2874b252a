"""Dead letters from the command line, on a real bus."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from keylease.adapters.nats.dead import NatsDeadLetters
from tests.cli.running import Shell
from tests.contract.transport import only, parcel
from tests.support.bus import SIGNING, WIRE, jet_on, transport_on
from tests.support.nats_server import NatsServer, nats_server

PATIENCE = timedelta(seconds=0.5)


@dataclass
class Bus:
    """A server beside the commands, which have loops of their own."""

    server: NatsServer
    here: Callable[[Coroutine[Any, Any, Any]], Any]

    def bury(self, *numbers: int) -> None:
        self.here(self._bury(numbers))

    def put(self, subject: str, body: bytes, /, **headers: str) -> None:
        """As somebody who may write to the bus."""
        self.here(self._put(subject, body, headers))

    def waiting(self) -> int:
        """How many messages are on their way."""
        return int(self.here(self._waiting()))

    async def _bury(self, numbers: tuple[int, ...]) -> None:
        async with jet_on(self.server) as jet:
            transport = transport_on(jet)
            async with transport.queue("decide") as queue:
                for number in numbers:
                    await transport.send(parcel(number, subject=f"req-{number}"))
                    await (await only(queue)).bury(f"reason {number}\n")

    async def _put(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        async with jet_on(self.server) as jet:
            await jet.js.publish(subject, body, headers=headers)

    async def _waiting(self) -> int:
        async with jet_on(self.server) as jet:
            assert len(await NatsDeadLetters(jet, WIRE).listed(limit=10)) < 10
            return (await jet.js.stream_info("KEYLEASE")).state.messages


@pytest.fixture
def bus(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    with asyncio.Runner() as runner:
        context = nats_server()
        server = runner.run(context.__aenter__())
        monkeypatch.setenv("KEYLEASE_NATS__SERVERS", json.dumps([server.url]))
        monkeypatch.setenv("KEYLEASE_NATS__SIGNING_SECRET", SIGNING.reveal())

        def here(work: Coroutine[Any, Any, Any]) -> object:
            found = runner.run(work)
            shell.capture.readouterr()  # what the test itself has logged
            return found

        yield Bus(server, here)
        runner.run(context.__aexit__(None, None, None))


def test_without_a_bus_it_is_said_what_to_set(shell: Shell) -> None:
    said = shell.types("dlq", "list")

    assert said.code == 2
    assert said.err.startswith("keylease: nats: is not set; set nats.servers")


@pytest.mark.usefixtures("bus")
def test_nothing_is_dead(shell: Shell) -> None:
    assert shell.types("dlq", "list").out == "no dead letters\n"
    assert json.loads(shell.types("dlq", "list", "--json").out) == []
    assert shell.types("dlq", "replay", "--all").out == "0 on the way again\n"


def test_what_was_buried_is_listed_with_its_reason(shell: Shell, bus: Bus) -> None:
    bus.bury(1, 2)

    lines = shell.types("dlq", "list").out.splitlines()
    (first, second) = json.loads(shell.types("dlq", "list", "--json").out)

    assert lines[0].startswith("1  20")
    assert lines[0].endswith("  decide  io.keylease.request.submitted.v1  req-1")
    assert lines[1] == "    reason 1\\n"
    assert (first["number"], first["function"], first["event_id"]) == (1, "decide", "evt-1")
    assert (second["number"], second["reason"], second["subject"]) == (2, "reason 2\n", "req-2")


def test_one_is_shown_with_what_it_holds(shell: Shell, bus: Bus) -> None:
    bus.bury(1)

    shown = json.loads(shell.types("dlq", "show", "1").out)

    assert shown["content"]["data"] == {"request_id": "req-1"}
    assert shell.types("dlq", "show", "2").code == 3


def test_one_that_is_not_ours_is_shown_as_it_is(shell: Shell, bus: Bus) -> None:
    bus.put("keylease.dead.decide.x", b"\x1b[2J\xff")

    listed = shell.types("dlq", "list").out
    shown = json.loads(shell.types("dlq", "show", "1").out)

    assert "not ours" in listed
    assert "\x1b" not in listed
    assert shown["raw"] == "\x1b[2J\\xff"
    assert shown["event"] is None


def test_one_is_sent_again(shell: Shell, bus: Bus) -> None:
    bus.bury(1, 2)

    said = shell.types("dlq", "replay", "1")
    again = shell.types("dlq", "replay", "1")

    assert (said.code, said.out) == (0, "1 on the way again\n")
    assert again.code == 3
    assert bus.waiting() == 1
    assert [one["number"] for one in json.loads(shell.types("dlq", "list", "--json").out)] == [2]


def test_all_are_sent_again(shell: Shell, bus: Bus) -> None:
    bus.bury(1, 2, 3)

    assert shell.types("dlq", "replay", "--all").out == "3 on the way again\n"
    assert bus.waiting() == 3


@pytest.mark.parametrize("words", [(), ("1", "--all")])
def test_it_is_said_which_to_send_again(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell.types("dlq", "replay", *words)

    assert (said.code, said.err) == (2, "keylease: give the number of one dead letter, or --all\n")


@pytest.mark.parametrize("subject", ["", "$JS.API.STREAM.DELETE.KEYLEASE", "keylease.dead.x"])
def test_a_forged_dead_letter_is_sent_nowhere(shell: Shell, bus: Bus, subject: str) -> None:
    bus.put("keylease.dead.decide.x", b"{}", **{"Keylease-Subject": subject})

    said = shell.types("dlq", "replay", "1")

    assert said.code == 2
    assert "dead letter 1 was put there by somebody else" in said.err
    assert bus.waiting() == 0
    assert len(json.loads(shell.types("dlq", "list", "--json").out)) == 1


def test_a_bus_that_is_away_is_a_wrong_setting(
    shell: Shell, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYLEASE_NATS__SERVERS", '["nats://127.0.0.1:1"]')
    monkeypatch.setattr("keylease.adapters.nats.connection.STARTS_WITHIN", PATIENCE)

    said = shell.types("dlq", "list")

    assert bus
    assert said.code == 2
    assert "nats: no server of nats://127.0.0.1:1 lets us in" in said.err
