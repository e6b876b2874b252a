"""The HTTP client opens with the first call, and once."""

import asyncio

import pytest

from keylease.adapters.system.lazy_http import LazyHttp
from keylease.ports.http import HttpNotSent, HttpRequest, HttpResponse

REQUEST = HttpRequest(method="GET", url="https://example.com/", headers={}, body=b"", timeout=1.0)


class Answering:
    """Counts what is sent through it."""

    def __init__(self) -> None:
        self.sent = 0

    async def send(self, _: HttpRequest, /) -> HttpResponse:
        self.sent += 1
        return HttpResponse(status=204, headers={}, body=b"")


async def test_nothing_is_opened_before_the_first_call_and_one_serves_all() -> None:
    opened: list[Answering] = []

    async def opening() -> Answering:
        await asyncio.sleep(0)
        opened.append(Answering())
        return opened[-1]

    http = LazyHttp(opening)
    assert opened == []

    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(http.send(REQUEST)) for _ in range(3)]

    assert [call.result().status for call in calls] == [204, 204, 204]
    assert [one.sent for one in opened] == [3]


async def test_what_could_not_be_opened_is_tried_again() -> None:
    tries: list[str] = []

    async def opening() -> Answering:
        tries.append("try")
        if len(tries) == 1:
            raise HttpNotSent("nothing there")
        return Answering()

    http = LazyHttp(opening)

    with pytest.raises(HttpNotSent):
        await http.send(REQUEST)
    assert (await http.send(REQUEST)).status == 204
