"""One table through every host: equal results, whoever calls the functions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from keylease.cli.demo_stage import Stage
from keylease.ports.doors import Call
from tests.conformance.hosts import HOSTS, Host, InProcess, Said, in_process
from tests.conformance.playing import played
from tests.conformance.steps import Row
from tests.conformance.table import TABLE


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
async def test_every_host_leaves_the_same(row: Row, host: str) -> None:
    assert await played(row, HOSTS[host]) == row.leaves


class Odd(InProcess):
    """A host with a status of its own."""

    async def call(self, call: Call, /) -> Said:
        said = await super().call(call)
        return Said(202, said.text) if said.status == 200 else said


@asynccontextmanager
async def odd(stage: Stage, /) -> AsyncIterator[Host]:
    async with in_process(stage) as host:
        assert isinstance(host, InProcess)
        yield Odd(host.keylease, host.front)


async def test_a_host_that_answers_otherwise_is_found() -> None:
    (row,) = (row for row in TABLE if row.name == "a command that the policy denies")

    assert await played(row, odd) != row.leaves
