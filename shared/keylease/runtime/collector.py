"""The garbage collector during a start: what is loaded stays; looking through it is in vain."""

import gc
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager


@contextmanager
def uncollected(stack: AsyncExitStack, /) -> Iterator[None]:
    """Collect nothing now, and nothing that is made now before `stack` closes.

    Otherwise a start spends a twentieth of its time on it, and so does every full collection later.
    """
    stack.callback(gc.unfreeze)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
