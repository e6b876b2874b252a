"""Acting on the configured system from its own machine, also while `keylease serve` runs there.

A command becomes a verified message like any other: platform `cli`, the host's tenant, and the
person that --as names. Whoever can read the store and its keys is trusted to say who they are.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keylease.cli.options import settings as read
from keylease.domain.intake import Arrived, Reply, Said
from keylease.domain.people import ExternalId, Principal
from keylease.ports.directory import Directory
from keylease.runtime.logging import configure_logging
from keylease.runtime.settings import Settings
from keylease.runtime.wiring import Keylease, running

PLATFORM = "cli"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LocalPeople:
    """The directory, in which this machine's command line also knows people by their own ids."""

    people: Directory
    tenant: str

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        listed = await self.people.resolve(external)
        if listed is None and (external.platform, external.tenant) == (PLATFORM, self.tenant):
            return await self.people.principal(external.subject)
        return listed

    async def principal(self, id: str, /) -> Principal | None:
        return await self.people.principal(id)

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        return await self.people.members(group)


def knowing_people(settings: Settings, /) -> Callable[[type, Any], Any]:
    """What wiring puts around the directory of a command."""

    def wrap(kind: type, part: Any, /) -> Any:  # noqa: ANN401  # as in runtime/filling.py
        is_directory = kind is Directory
        return LocalPeople(people=part, tenant=settings.cli_tenant) if is_directory else part

    return wrap


def act(
    config: Path | None,
    work: Callable[[Keylease], Awaitable[T]],
    /,
    *,
    functions: frozenset[str] = frozenset({"intake"}),
) -> T:
    """Open the configured system, do one thing, close it."""
    settings = read(config)
    configure_logging(level="warning", stream=sys.stderr)

    async def once() -> T:
        wrap = knowing_people(settings)
        async with running(settings, functions=functions, wrap=wrap) as keylease:
            return await work(keylease)

    return asyncio.run(once())


async def say(keylease: Keylease, said: Said, /, *, who: str, key: str | None = None) -> Reply:
    """One message from a person at this machine."""
    arrived = Arrived(
        source=PLATFORM,
        tenant=keylease.settings.cli_tenant,
        key=key or keylease.ids.new("cmd"),
        sender=sender(keylease, who),
        said=said,
    )
    return await keylease.process.receive(arrived)


def sender(keylease: Keylease, who: str, /) -> ExternalId:
    """Who speaks, as the directory is asked for them."""
    return ExternalId(platform=PLATFORM, tenant=keylease.settings.cli_tenant, subject=who)
