"""What breaks things in a chaos run: kills, pauses, an emptied bus, messages again and again."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random  # noqa: TID251  # seeded: a run can be had again
from typing import TYPE_CHECKING

import asyncpg
from nats.errors import Error as NatsError

from keylease.adapters.nats.layout import Layout
from keylease.adapters.nats.wire import MSG_ID, Wire, function_of
from keylease.adapters.postgres.connection import FAULTS
from keylease.domain.events import Event
from keylease.errors import KeyleaseError
from keylease.ports.store import Outgoing, Parcel
from tests.chaos.programs import Program
from tests.chaos.stage import Stage
from tests.support.bus import jet_on
from tests.support.postgres_programs import CannotStart

if TYPE_CHECKING:
    from keylease.adapters.nats.connection import Jet

WAITING = """
    SELECT seq, destination, body FROM keylease.outbox WHERE destination LIKE 'function:%'
"""
LOOKS_EVERY = 0.3
MOST_REMEMBERED = 300
SENT_AGAIN = 10
"""At each look, so many of those remembered: old ones and new ones, in any order."""
TRIES = 3
AWAY = (0.1, 1.5)
"""Seconds for which a server is down."""


@dataclass(slots=True)
class Gremlin:
    """Draws what it does next from its dice."""

    stage: Stage
    dice: Random
    kills: int
    every: float
    """Seconds between two kills, on average."""
    pause: float
    """Seconds for which a paused worker stands still: longer than anybody waits for it."""
    copies: int = 0
    """Messages that it has put on the bus."""
    remembered: dict[int, Parcel] = field(default_factory=dict)
    of_nats: asyncio.Lock = field(default_factory=asyncio.Lock)
    of_postgres: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rage(self) -> None:
        """Kill so often, each kind at least once when there are enough."""
        blows: list[Callable[[], Coroutine[None, None, None]]] = [
            *(self._kill_worker, self._kill_nats, self._kill_postgres, self._kill_intake),
            *(self._pause_worker, self._empty_nats, self._kill_worker),
        ]
        async with asyncio.TaskGroup() as group:
            for n in range(self.kills):
                await asyncio.sleep(self.every * self.dice.uniform(0.5, 1.5))
                if n % len(blows) == 0:
                    self.dice.shuffle(blows)
                group.create_task(blows[n % len(blows)]())

    async def meddle(self, *, until: asyncio.Event) -> None:
        """Send what waits, and what has long been done, again and in any order."""
        while not until.is_set():  # a cancellation may get lost in a client
            with suppress(*FAULTS, NatsError, KeyleaseError):  # the server is down
                await self._meddle(until)
            await asyncio.sleep(LOOKS_EVERY)

    async def _meddle(self, until: asyncio.Event) -> None:
        connection = await asyncpg.connect(self.stage.database)
        try:
            async with jet_on(self.stage.nats) as jet:
                while not until.is_set():
                    self._remember(await connection.fetch(WAITING))
                    await self._send_again(jet)
                    await asyncio.sleep(LOOKS_EVERY)
        finally:
            connection.terminate()

    def _remember(self, rows: "list[asyncpg.Record]") -> None:
        for seq, destination, body in rows:
            outgoing = Outgoing(Event.model_validate_json(body), destination)
            self.remembered.setdefault(seq, Parcel(seq=seq, outgoing=outgoing, attempts=0))
        for seq in list(self.remembered)[:-MOST_REMEMBERED]:
            del self.remembered[seq]

    async def _send_again(self, jet: "Jet") -> None:
        wire, layout = Wire((self.stage.signing,)), Layout()
        chosen = self.dice.sample(
            list(self.remembered.values()), min(SENT_AGAIN, len(self.remembered))
        )
        for parcel in chosen:
            body, headers = wire.written(parcel)
            self.copies += 1
            headers[MSG_ID] = f"copy-{self.copies}"  # a new name: the server carries it again
            subject = layout.work_subject(function_of(parcel), parcel.outgoing.event.subject)
            await jet.js.publish(subject, body, headers=headers)

    async def _kill_worker(self) -> None:
        self._kill(self._one_of(self.stage.workers))

    async def _kill_intake(self) -> None:
        self._kill(self._one_of(self.stage.intakes))

    def _one_of(self, programs: tuple[Program, ...]) -> Program:
        """One that works, if there is one."""
        return self.dice.choice([one for one in programs if one.ready.is_set()] or programs)

    def _kill(self, program: Program) -> None:
        self.stage.diary.note(f"kills {program.name}")
        program.kill()

    async def _pause_worker(self) -> None:
        worker = self._one_of(self.stage.workers)
        self.stage.diary.note(f"pauses {worker.name}")
        await worker.pause(self.pause)
        self.stage.diary.note(f"lets {worker.name} go on")

    async def _kill_nats(self) -> None:
        await self._fall_of_nats("kills nats")

    async def _empty_nats(self) -> None:
        await self._fall_of_nats("kills nats and loses its files", is_emptied=True)

    async def _fall_of_nats(self, words: str, *, is_emptied: bool = False) -> None:
        async with self.of_nats:
            self.stage.diary.note(words)
            await self.stage.nats.kill()
            if is_emptied:
                shutil.rmtree(self.stage.nats.folder / "js", ignore_errors=True)
            await asyncio.sleep(self.dice.uniform(*AWAY))
            await self.stage.nats.start()
            self.stage.diary.note("nats is back")

    async def _kill_postgres(self) -> None:
        async with self.of_postgres:
            self.stage.diary.note("kills postgres")
            self.stage.postgres.kill()
            await asyncio.sleep(self.dice.uniform(*AWAY))
            await self._start_postgres()
            self.stage.diary.note("postgres is back")

    async def _start_postgres(self) -> None:
        """Its children end when they see its end, and until then it does not start."""
        for _ in range(TRIES):
            with suppress(CannotStart):
                await asyncio.to_thread(self.stage.postgres.start)
                return
        await asyncio.to_thread(self.stage.postgres.start)
