"""Group commit: whoever asks while a commit waits for the disk goes into the next transaction.

A commit costs a wait for the disk, whatever is in it: that is left to a thread. The statements take
microseconds, and run on the loop: a thread would wait for the busy interpreter after each of them.
Each piece of work has a savepoint of its own, so one that is refused takes nothing with it, and
nobody is told before the real COMMIT.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from keylease.adapters.sqlite.connection import meaning
from keylease.errors import InvariantBroken, ProviderAmbiguous

Work = Callable[[sqlite3.Connection], None]

LARGEST_GROUP = 32
"""Pieces of work in one transaction: few enough to hold up the loop for some milliseconds only."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work
    is_long: bool
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Answer:
    job: _Job
    error: Exception | None

    def give(self) -> None:
        if self.job.done.done():  # its caller was cancelled and does not wait any more
            return
        if self.error is None:
            self.job.done.set_result(None)
        else:
            self.job.done.set_exception(self.error)


Rest = Callable[[], list[_Answer]]
"""What is left to do for a group, on the thread."""


@dataclass(slots=True)
class Writer:
    """The one writer of this process. Start it on the loop that will use it."""

    connection: sqlite3.Connection
    loop: asyncio.AbstractEventLoop
    patience: float
    """Seconds to wait, on the thread, for another process that writes."""
    _waiting: list[_Job] = field(default_factory=list)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no group is under way, and nobody waits."""
    _queue: SimpleQueue[Rest | None] = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._idle.set()
        self._let_wait(0)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what waits, then stop."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await self._idle.wait()
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    async def do(self, work: Work, /, *, is_long: bool = False) -> None:
        """Run `work` in a transaction; returns once that is on disk. A long one runs on the thread.

        Raises:
            KeyleaseError: what `work` raised, or what the database said; nothing was written,
                except after ProviderAmbiguous, when nobody knows.
        """
        if self._thread is None:
            msg = "the store is closed"
            raise InvariantBroken(msg)
        job = _Job(work=work, is_long=is_long, done=self.loop.create_future())
        self._waiting.append(job)
        if self._idle.is_set():
            self._idle.clear()
            self.loop.call_soon(self._begin)  # with whatever else this turn of the loop brings
        await job.done

    def _begin(self) -> None:
        """Write a group, and leave the rest to the thread."""
        group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
        self._queue.put(self._first(group))

    def _first(self, group: list[_Job]) -> Rest:
        """What can be done on the loop, which waits for nobody; returns what is left."""
        if any(job.is_long for job in group):
            return partial(self._patiently, group)
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:  # another process writes
            return partial(self._patiently, group)
        return self._written(group)

    def _end(self, answers: list[_Answer]) -> None:
        for answer in answers:
            answer.give()
        if self._waiting:
            self._begin()
        else:
            self._idle.set()

    def _run(self) -> None:
        while (rest := self._queue.get()) is not None:
            self.loop.call_soon_threadsafe(self._end, rest())

    def _patiently(self, group: list[_Job]) -> list[_Answer]:
        """All of it on the thread, after a wait for others."""
        self._let_wait(self.patience)
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as e:
            return [_Answer(job, meaning(e)) for job in group]
        finally:
            self._let_wait(0)
        return self._written(group)()

    def _let_wait(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def _written(self, group: list[_Job]) -> Rest:
        """Do the work in the open transaction."""
        try:
            answers = [_Answer(job, self._savepoint(job.work)) for job in group]
        except sqlite3.Error as e:  # the disk is full: the transaction is lost as a whole
            self._roll_back()
            lost = [_Answer(job, meaning(e)) for job in group]
            return lambda: lost
        return partial(self._commit, answers)

    def _commit(self, answers: list[_Answer]) -> list[_Answer]:
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as e:
            self._roll_back()
            lost = ProviderAmbiguous("sqlite", e.sqlite_errorname)
            return [_Answer(answer.job, lost) for answer in answers]
        return answers

    def _savepoint(self, work: Work) -> Exception | None:
        """Run one piece of work; what went wrong with it alone."""
        error: Exception | None = None
        self.connection.execute("SAVEPOINT one")
        try:
            work(self.connection)
        except sqlite3.Error as e:
            if not self.connection.in_transaction:
                raise
            error = meaning(e)
        except Exception as e:  # noqa: BLE001  # it is the caller's; here it would end the one writer
            error = e
        if error is not None:
            self.connection.execute("ROLLBACK TO one")
        self.connection.execute("RELEASE one")
        return error

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
