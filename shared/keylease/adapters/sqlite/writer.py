"""Group commit: one thread writes; whoever waits while it commits goes into its next transaction.

A commit costs a wait for the disk, whatever is in it. Each piece of work has a savepoint of its
own, so one that is refused takes nothing with it, and nobody is told before the real COMMIT.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from keylease.adapters.sqlite.connection import meaning
from keylease.errors import InvariantBroken, KeyleaseError, ProviderAmbiguous

Work = Callable[[sqlite3.Connection], None]

LARGEST_GROUP = 256


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work
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


@dataclass(slots=True)
class Writer:
    """The one writer of this process. Start it on the loop that will use it."""

    connection: sqlite3.Connection
    loop: asyncio.AbstractEventLoop
    _queue: SimpleQueue[_Job | None] = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what is queued, then stop."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    async def do(self, work: Work, /) -> None:
        """Run `work` in a transaction; returns once that is on disk.

        Raises:
            KeyleaseError: what `work` raised, or what the database said; nothing was written,
                except after ProviderAmbiguous, when nobody knows.
        """
        if self._thread is None:
            msg = "the store is closed"
            raise InvariantBroken(msg)
        job = _Job(work=work, done=self.loop.create_future())
        self._queue.put(job)
        await job.done

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, is_last = self._group(first)
            answers = self._commit(group)
            self.loop.call_soon_threadsafe(_give_all, answers)
            if is_last:
                return

    def _group(self, first: _Job) -> tuple[list[_Job], bool]:
        """Everything that waits by now, and whether the writer shall stop after it."""
        group = [first]
        while len(group) < LARGEST_GROUP:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> list[_Answer]:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            answers = [_Answer(job, self._savepoint(job.work)) for job in group]
        except sqlite3.Error as e:  # busy, or the disk is full: the transaction is lost as a whole
            self._roll_back()
            return [_Answer(job, meaning(e)) for job in group]
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as e:
            self._roll_back()
            lost = ProviderAmbiguous("sqlite", e.sqlite_errorname)
            return [_Answer(job, lost) for job in group]
        return answers

    def _savepoint(self, work: Work) -> Exception | None:
        """Run one piece of work; what went wrong with it alone."""
        error: Exception | None = None
        self.connection.execute("SAVEPOINT one")
        try:
            work(self.connection)
        except (KeyleaseError, ValueError, TypeError, OverflowError) as e:
            error = e  # ours, or a value that the driver does not take
        except sqlite3.Error as e:
            if not self.connection.in_transaction:
                raise
            error = meaning(e)
        if error is not None:
            self.connection.execute("ROLLBACK TO one")
        self.connection.execute("RELEASE one")
        return error

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


def _give_all(answers: list[_Answer]) -> None:
    for answer in answers:
        answer.give()
