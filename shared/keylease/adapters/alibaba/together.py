"""Several reads at once, failing as one of them did rather than as a group."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from keylease.errors import ProviderError

A = TypeVar("A")
B = TypeVar("B")


async def together(reads: Iterable[Coroutine[Any, Any, A]], /) -> tuple[A, ...]:
    """All results in order; the first failure ends the others."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except* ProviderError as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
    return tuple(task.result() for task in tasks)


async def both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B], /) -> tuple[A, B]:
    """Two results of different types."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except* ProviderError as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
    return first.result(), second.result()
