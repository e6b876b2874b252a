"""Reads: a few threads with connections of their own, which never wait for a commit."""

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


@dataclass(slots=True)
class Readers:
    """Each read sees every commit that has returned: it is a transaction of its own."""

    path: Path
    _pool: ThreadPoolExecutor | None = None
    _idle: SimpleQueue[sqlite3.Connection] = field(default_factory=SimpleQueue)

    def start(self) -> None:
        for _ in range(READERS):
            self._idle.put(connect(self.path, read_only=True))
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    async def stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)
            for _ in range(READERS):
                self._idle.get().close()

    async def ask(self, question: Callable[[sqlite3.Connection], T], /) -> T:
        """The answer to `question`, which runs on a reader thread."""
        if self._pool is None:
            msg = "the store is closed"
            raise InvariantBroken(msg)
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
