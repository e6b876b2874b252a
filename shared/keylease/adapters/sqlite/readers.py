"""Reads: on connections of their own, which never wait for a commit.

A question that an index answers with few rows is asked on the loop: it takes 15 µs, and the way to
a thread and back ten times as much CPU. Whatever may take longer is asked on a thread.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from keylease.adapters.sqlite.connection import connect, meaning
from keylease.errors import InvariantBroken

T = TypeVar("T")

READERS = 2
_CLOSED = "the store is closed"


@dataclass(slots=True)
class Readers:
    """Each read sees every commit that has returned: it is a transaction of its own."""

    path: Path
    _pool: ThreadPoolExecutor | None = None
    _idle: SimpleQueue[sqlite3.Connection] = field(default_factory=SimpleQueue)
    _here: sqlite3.Connection | None = None

    def start(self) -> None:
        self._here = connect(self.path, patience=0, read_only=True)
        for _ in range(READERS):
            self._idle.put(connect(self.path, read_only=True))
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    async def stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)
            for _ in range(READERS):
                self._idle.get().close()
        if self._here is not None:
            self._here.close()
            self._here = None

    async def glance(self, question: Callable[[sqlite3.Connection], T], /) -> T:
        """The answer to a small question; one that had to wait for a lock goes to a thread."""
        if self._here is None:
            raise InvariantBroken(_CLOSED)
        try:
            return question(self._here)
        except sqlite3.Error:
            return await self.ask(question)

    async def ask(self, question: Callable[[sqlite3.Connection], T], /) -> T:
        """The answer to `question`, which runs on a reader thread."""
        if self._pool is None:
            raise InvariantBroken(_CLOSED)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._answer, question)

    def _answer(self, question: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        try:
            return question(connection)
        except sqlite3.Error as e:
            raise meaning(e) from e
        finally:
            self._idle.put(connection)
