"""Fills a dataclass's fields by their annotated types: the whole of our dependency injection."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Protocol, TypeVar, cast, get_type_hints

from keylease.errors import Misconfigured

T = TypeVar("T")


class Wrap(Protocol):
    """Puts something around a part on its way in, such as a test's crash points."""

    def __call__(self, kind: type, part: Any, /) -> Any:  # noqa: ANN401  # whatever keeps that port
        """The part that is used instead."""
        ...


def unwrapped(_: type, part: Any, /) -> Any:  # noqa: ANN401  # see Wrap
    """Nothing around it."""
    return part


@dataclass(frozen=True, slots=True)
class Parts:
    """Makes each part when it is first asked for, so that nothing is loaded in vain."""

    makers: Mapping[str, Callable[["Parts"], Awaitable[Any]]]
    """By the name of the type: to hold the type itself would load everything that it stands on."""
    stack: AsyncExitStack
    """Closes what was opened, last first."""
    wrap: Wrap = unwrapped
    made: dict[type, Any] = field(default_factory=dict)
    named: Mapping[str, object] = field(default_factory=dict)
    """Plain values, such as a time limit, by the name of the field that takes one."""

    async def get(self, kind: type[T], /) -> T:
        """The one part of that type.

        Raises:
            Misconfigured: nothing makes it.
        """
        if kind not in self.made:
            self.made[kind] = await self._make(kind)
        return cast("T", self.made[kind])

    async def filled(self, kind: Callable[..., T], /) -> T:
        """A new instance of a dataclass: ports by type, values by name or by their default."""
        assert is_dataclass(kind)  # noqa: S101  # handlers are; a test holds them to it
        hints = get_type_hints(kind)
        values = {name: self.named[name] for name in hints if name in self.named}
        for one in fields(kind):
            if one.name not in values and one.default is MISSING:
                values[one.name] = await self.get(hints[one.name])
        return cast("T", kind(**values))

    async def _make(self, kind: type) -> object:
        maker = self.makers.get(kind.__name__)
        if maker is not None:
            return self.wrap(kind, await maker(self))
        if is_dataclass(kind):
            return await self.filled(kind)
        msg = f"nothing keeps {kind.__module__}.{kind.__qualname__}; add it to runtime/wiring.py"
        raise Misconfigured(msg)
