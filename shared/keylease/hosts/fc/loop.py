"""One event loop for the life of an instance, in a thread of its own.

The runtime calls a plain function, from whichever thread. A loop per call would leave connections
behind that belong to a closed loop, so there is one, and calls are handed to it.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class LoopThread:
    """Starts with the first call; a call after the end starts a new one."""

    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, work: Coroutine[Any, Any, T], /, *, within: float) -> T:
        """Its result, from the loop; after that many seconds it is cancelled.

        Raises:
            TimeoutError: it was cancelled.
        """
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result(within)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """End it; already ended is success."""
        with self._turn:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._turn:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="keylease", daemon=True
                )
                self._thread.start()
            return self._loop
