"""Reading a whole list page by page, and noticing when it changed meanwhile."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from keylease.errors import ProviderTransient

T = TypeVar("T")

PAGE_SIZE = 100
MAX_ITEMS = 20_000
_TRIES = 3

Fetch = Callable[[int], Awaitable[tuple[tuple[T, ...], int | None]]]
"""Page number (from 1) to its items and the total, when the service says it."""


async def whole_list(fetch: Fetch[T], /, *, provider: str) -> tuple[T, ...]:
    """Every item.

    A row that moves to another page while we read would be missed, and a missed row looks like
    proof of absence: so a list whose count does not add up is read again.

    Raises:
        ProviderTransient: it kept changing, or is longer than we are ready to read.
    """
    for _ in range(_TRIES):
        items, is_whole = await _read(fetch, provider=provider)
        if is_whole:
            return items
    raise ProviderTransient(provider, "ListKeptChanging")


async def _read(fetch: Fetch[T], *, provider: str) -> tuple[tuple[T, ...], bool]:
    items: list[T] = []
    first_total: int | None = None
    number = 1
    while len(items) < MAX_ITEMS:
        page, total = await fetch(number)
        first_total = total if number == 1 else first_total
        items.extend(page)
        # A service that says no total may ignore the page number as well: a short page is the end.
        is_last = len(page) < PAGE_SIZE if total is None else not page or len(items) >= total
        if is_last:
            return tuple(items), total == first_total and total in {None, len(items)}
        number += 1
    raise ProviderTransient(provider, "ListTooLong")
