"""One line of JSON per event, whole, in order."""

import asyncio
import io
import json

import pytest

from keylease.adapters.sinks.stdout import StdoutSink
from keylease.domain.events import Event, RequestLapsed
from keylease.errors import ProviderTransient
from tests.support.build import NOW


def lapsed(number: int) -> Event:
    return Event.of(RequestLapsed(request_id=f"req-{number}"), id=f"evt-{number}", time=NOW)


async def test_an_event_is_one_line_of_json() -> None:
    stream = io.StringIO()

    await StdoutSink(source="https://k.example", stream=stream).deliver(lapsed(1))

    assert stream.getvalue().endswith("}\n")
    assert json.loads(stream.getvalue()) == {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "https://k.example",
        "type": "io.keylease.request.lapsed.v1",
        "subject": "req-1",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"request_id": "req-1"},
    }


async def test_lines_of_concurrent_events_do_not_mix() -> None:
    stream = io.StringIO()
    sink = StdoutSink(source="s", stream=stream)

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(sink.deliver(lapsed(number)))

    lines = stream.getvalue().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f"evt-{n}" for n in range(50)}


class Broken(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError(len(text))


async def test_a_broken_stream_is_tried_again() -> None:
    with pytest.raises(ProviderTransient):
        await StdoutSink(source="s", stream=Broken()).deliver(lapsed(1))


def test_without_a_stream_it_writes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(StdoutSink(source="s").deliver(lapsed(1)))  # noqa: TID251  # no loop runs here

    assert json.loads(capsys.readouterr().out)["id"] == "evt-1"
