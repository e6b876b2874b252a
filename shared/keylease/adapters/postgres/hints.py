"""NOTIFY and LISTEN, as a hint only: who misses one looks at the outbox a moment later anyway.

The hint is not part of a commit. PostgreSQL lets only one transaction at a time commit that
notifies, which would undo the group commit of a busy server. It says nothing: the table knows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from keylease.adapters.postgres import statements as sql
from keylease.adapters.postgres.connection import FAULTS, LATE, Database, Server
from keylease.errors import KeyleaseError

Wake = Callable[[], None]
REST = timedelta(milliseconds=20)
"""Between two hints of one process: many commits need one."""
AGAIN = timedelta(seconds=5)
"""After a lost connection. Hints are missing for so long, and nothing else is."""
BEAT = timedelta(seconds=30)
"""How often a silent connection is asked whether it is one: a dead machine hangs up on nobody."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells the other processes that there may be more to deliver."""

    database: Database
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def running(cls, database: Database, /) -> AsyncIterator[Self]:
        """One that works until the context is left."""
        notifier = cls(database)
        async with _beside(notifier._run()):
            yield notifier

    def soon(self) -> None:
        """Ask for a hint; nobody waits for it."""
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            with suppress(KeyleaseError):
                await self.database.change(sql.NOTIFY)
            await asyncio.sleep(REST.total_seconds())


@asynccontextmanager
async def listening(
    server: Server, wake: Wake | None, /, *, again: timedelta = AGAIN, beat: timedelta = BEAT
) -> AsyncIterator[None]:
    """Call `wake` at each hint, until the context is left."""
    if wake is None:
        yield
        return
    async with _beside(_listen(server, wake, again=again, beat=beat)):
        yield


async def _listen(server: Server, wake: Wake, *, again: timedelta, beat: timedelta) -> None:
    while True:
        with suppress(*FAULTS):
            await _listen_once(server, wake, beat=beat)
        await asyncio.sleep(again.total_seconds())


async def _listen_once(server: Server, wake: Wake, *, beat: timedelta) -> None:
    """Until the connection is lost."""
    gone = asyncio.Event()
    connection = await server.connect()
    try:
        connection.add_termination_listener(lambda _: gone.set())
        await connection.add_listener(sql.CHANNEL, lambda *_: wake())
        wake()  # what was said before we listened
        while not gone.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(beat.total_seconds()):
                    await gone.wait()
            await connection.execute("SELECT 1", timeout=LATE.total_seconds())
    finally:
        connection.terminate()


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run it until the context is left."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        except Exception as e:  # noqa: BLE001  # raised again outside: a group would wrap it
            failure = e
        finally:
            task.cancel()
    if failure is not None:
        raise failure
