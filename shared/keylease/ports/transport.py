"""A bus: carries parcels to whoever runs their function. It may lose them, double them, mix them.

The store stays the truth: a parcel is forgotten in the commit of what it caused, never because a
bus has taken it.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from keylease.ports.store import Parcel


class Delivery(Protocol):
    """One message that a worker was given; it belongs to nobody else until it is answered."""

    @property
    def parcel(self) -> Parcel | None:
        """What it carries, its `attempts` counted by the bus; None when it is not ours."""
        ...

    @property
    def flaw(self) -> str:
        """Why there is no parcel."""
        ...

    async def done(self) -> None:
        """It needs nobody any more."""
        ...

    async def again(self, *, after: timedelta) -> None:
        """Give it to somebody later."""
        ...

    async def working(self) -> None:
        """Somebody still works on it. Said more often than every `Transport.patience`."""
        ...

    async def bury(self, reason: str, /) -> None:
        """Keep it for a person, then take it off its way. Buried again replaces itself.

        Raises:
            ProviderTransient: it is not kept; it will be given to somebody again.
        """
        ...


class Queue(Protocol):
    """What waits for one function."""

    async def take(self, most: int, /) -> tuple[Delivery, ...]:
        """At least one, when there is one soon; else none.

        Raises:
            ProviderTransient: the bus is away.
        """
        ...

    async def leave(self) -> None:
        """Take no more; what still comes is given to others at once."""
        ...

    async def mend(self) -> None:
        """Make anew what of it the bus has lost.

        Raises:
            Misconfigured: what stands there now is not what must.
            ProviderTransient: the bus is away.
        """
        ...


class Transport(Protocol):
    """Carries parcels of functions."""

    @property
    def patience(self) -> timedelta:
        """After this long a silent worker's delivery is given to another one."""
        ...

    async def send(self, parcel: Parcel, /) -> None:
        """Hand it to the bus. The same parcel again soon is carried once.

        Raises:
            ProviderTransient: the bus is away; nothing is known of the parcel.
            ProviderRefused: the bus never takes it.
        """
        ...

    async def mend(self) -> None:
        """Make anew what the bus has lost of its own.

        Raises:
            Misconfigured: what stands there now is not what must.
            ProviderTransient: the bus is away.
        """
        ...

    async def measured(self) -> Mapping[str, int]:
        """`bus_waiting`: messages that nobody has answered yet. `dead_letters`: buried ones.

        Raises:
            ProviderTransient: the bus is away.
        """
        ...

    def queue(self, function: str, /) -> AbstractAsyncContextManager[Queue]:
        """Stand in line for one function's parcels, together with all other workers.

        Raises:
            Misconfigured: the line is not as it must be; says what differs.
        """
        ...


class Alarm(Protocol):
    """Wakes some worker's sweep on time. A hint: the timer looks anyway, only later."""

    async def set(self, at: datetime, /) -> None:
        """Ring then. Never fails, and may be forgotten."""
        ...

    def ringing(self) -> AbstractAsyncContextManager["Bell"]:
        """Hear what rings here."""
        ...


class Bell(Protocol):
    """Rings when some alarm's time has come."""

    async def mend(self) -> None:
        """Make anew what of it the bus has lost.

        Raises:
            Misconfigured: what stands there now is not what must.
            ProviderTransient: the bus is away.
        """
        ...

    async def rung(self) -> bool:
        """Wait for it, for a moment; whether it rang.

        Raises:
            ProviderTransient: the bus is away.
        """
        ...


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that was buried."""

    number: int
    at: datetime
    function: str
    reason: str
    body: bytes
    parcel: Parcel | None
    """What it carries; None when it is not ours."""


class DeadLetters(Protocol):
    """What was buried."""

    async def listed(self, *, limit: int) -> tuple[Dead, ...]:
        """Oldest first."""
        ...

    async def found(self, number: int, /) -> Dead | None:
        """One of them."""
        ...

    async def replay(self, dead: Dead, /) -> None:
        """Send it on its way again, then take it out; it is sent as what it was.

        Raises:
            BadInput: it was never on its way to a worker.
            ProviderTransient: the bus is away; it is still there.
        """
        ...
