"""Named crash points around every side effect that a port can have.

Handlers touch the world through ports only (import contracts hold that), so points around ports
are points around everything. What a port's method does stands in the two tables; a test fails
when a method is in neither.
"""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keylease.domain.people import ExternalId
from keylease.errors import ProviderAmbiguous
from keylease.ports.accounts import Accounts
from keylease.ports.chat import Chat, Chats
from keylease.ports.sinks import Sink
from keylease.ports.store import Batch, Store

EFFECTS: dict[type, frozenset[str]] = {
    Store: frozenset({"commit", "delivered", "postpone", "park", "unpark", "prune"}),
    Accounts: frozenset({"apply", "set_password", "login"}),
    Chat: frozenset({"tell", "post", "update"}),
    Sink: frozenset({"deliver"}),
}
READS: dict[type, frozenset[str]] = {
    Store: frozenset(
        {"load", "children", "by_handle", "due", "lanes", "parcels", "parked", "audit"}
    ),
    Accounts: frozenset({"observe", "usernames", "missing", "endpoints", "health"}),
    Chats: frozenset({"of", "at"}),
}
PRUNES = 2


class Killed(BaseException):
    """The process died here."""


class Kind(StrEnum):
    """How it goes wrong."""

    BEFORE = "before"
    AFTER = "after"
    LOST = "lost"
    """Done, but the caller hears that the answer was lost."""


@dataclass(frozen=True, slots=True)
class Point:
    """The `nth` time that something is done."""

    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name}[{self.nth}]"


@dataclass(slots=True)
class Tracker:
    """Notes every point that is passed; at the armed one, the process dies."""

    armed: tuple[Point, Kind] | None = None
    passed: list[Point] = field(default_factory=list)
    seen: "Counter[str]" = field(default_factory=Counter)
    died: bool = False

    def wrap(self, kind: type, part: Any, /) -> Any:
        """Keeps `runtime.filling.Wrap`."""
        if kind is Chats:
            return TrackedChats(part, self)
        return Tracked(part, kind, self) if kind in EFFECTS else part

    async def around(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        point = Point(name, self.seen[name])
        self.seen[name] += 1
        self.passed.append(point)
        kind = self.armed[1] if self.armed and self.armed[0] == point else None
        if kind is None:
            return await call()
        self.died = True
        self.armed = None
        if kind is Kind.BEFORE:
            raise Killed
        await call()
        if kind is Kind.AFTER:
            raise Killed
        raise ProviderAmbiguous("crash", "lost")


@dataclass(frozen=True, slots=True)
class Tracked:
    """A port with points around its effects."""

    part: Any
    kind: type
    tracker: Tracker

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.part, name)
        if name not in EFFECTS[self.kind]:
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            label = f"{self.kind.__name__}.{name}{_detail(args, kwargs)}"
            return await self.tracker.around(label, lambda: method(*args, **kwargs))

        return call


@dataclass(frozen=True, slots=True)
class TrackedChats:
    """Chats whose every chat is tracked."""

    chats: Chats
    tracker: Tracker

    def of(self, person: ExternalId, /) -> Any:
        chat = self.chats.of(person)
        return Tracked(chat, Chat, self.tracker) if chat else None

    def at(self, address: str, /) -> Any:
        found = self.chats.at(address)
        return (Tracked(found[0], Chat, self.tracker), found[1]) if found else None


def telling(passed: Iterable[Point], /) -> list[Point]:
    """Each once. Every tick prunes the inbox, mostly of nothing: its first two stand for all."""
    return [p for p in dict.fromkeys(passed) if p.name != "Store.prune" or p.nth < PRUNES]


def _detail(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What tells two calls of one method apart, without ids."""
    if "step" in kwargs:
        return f":{type(kwargs['step']).__name__}"
    if args and isinstance(args[0], Batch):
        kinds = sorted({record.kind for record in args[0].records})
        events = sorted({o.event.type.split(".", 2)[2] for o in args[0].outgoing})
        return ":" + ("+".join((*kinds, *events)) or "delivered")
    return ""


def effects_of(port: type) -> set[str]:
    """Names of a port's methods."""
    return {
        name
        for name, member in vars(port).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
