"""What one instance keeps between invocations, whichever runtime calls it."""

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog

from keylease.hosts.fc.payload import HttpCall, decode
from keylease.hosts.fc.unit import Unit, unit
from keylease.runtime.logging import bound
from keylease.runtime.settings import Settings, read_settings

if TYPE_CHECKING:
    from keylease.hosts.fc.web import Front

log = structlog.get_logger(__name__)

Answer = dict[str, Any] | str


def live_environment() -> Mapping[str, str]:
    """The environment as it is at each look: the platform may renew the role's key there."""
    return MappingProxyType(os.environ)


@dataclass(slots=True)
class Instance:
    """Opens with the first need, and again after it was closed."""

    name: str
    settings: Settings | None = None
    """Read from the environment when left out."""
    variables: Mapping[str, str] = field(default_factory=live_environment, repr=False)
    _unit: Unit | None = None
    _front: "Front | None" = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def unit(self) -> Unit:
        """The function, opened once.

        Raises:
            Misconfigured: says what to do.
        """
        async with self._turn:
            if self._unit is None:
                settings = self.settings or read_settings(variables=self.variables)
                opened = unit(self.name, settings=settings, variables=self.variables)
                self._unit = await self._stack.enter_async_context(opened)
                log.info("fc.ready", function=self.name)
            return self._unit

    async def invoke(self, event: bytes, /, *, within: float, call_id: str) -> Answer:
        """Take in one payload. Any bytes at all give an answer.

        Raises:
            KeyleaseError: the store did not take it; the trigger shall send it again.
        """
        until = asyncio.get_running_loop().time() + within
        with bound(function=self.name, call_id=call_id):
            opened = await self.unit()
            payload = decode(event)
            if isinstance(payload, HttpCall):
                front = await self._http(opened)
                return (await front.call(payload)).for_trigger()
            return json.dumps((await opened.take(payload, until=until)).as_json())

    async def close(self) -> None:
        """Close everything; already closed is success."""
        async with self._turn:
            self._unit = self._front = None
            await self._stack.aclose()

    async def _http(self, opened: Unit) -> "Front":
        """Loaded with the first call of the HTTP trigger: most functions never have one."""
        from keylease.hosts.fc.web import opened as fronted  # noqa: PLC0415  # as it says above

        async with self._turn:
            if self._front is None:
                self._front = await self._stack.enter_async_context(fronted(opened.keylease))
            return self._front
