"""The one place that picks adapters: which class keeps which promise, from settings.

Each maker imports what it needs when it is first called, so that a process with one function loads
only that function's ports and adapters (a cold start is mostly imports).
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keylease.function import Function
from keylease.ports.clock import Clock
from keylease.ports.ids import Ids
from keylease.ports.store import Store
from keylease.ports.tracing import Tracing
from keylease.runtime.bundle import load_function
from keylease.runtime.collector import uncollected
from keylease.runtime.filling import Parts, Wrap, unwrapped
from keylease.runtime.process import Bound, Commits, Process, Router
from keylease.runtime.routes import ROUTES
from keylease.runtime.settings import Settings, environment
from keylease.runtime.telemetry import telemetry, traced

if TYPE_CHECKING:
    from keylease.adapters.alibaba.client import AlibabaClient
    from keylease.domain.telling import Telling
    from keylease.policy.evaluate import Policy
    from keylease.ports.accounts import Accounts
    from keylease.ports.chat import Chats
    from keylease.ports.directory import Catalog, Directory
    from keylease.ports.handover import ClaimPages
    from keylease.ports.http import Http
    from keylease.ports.journal import Journal
    from keylease.ports.secrets import Secrets
    from keylease.ports.sinks import Sink
    from keylease.ports.transport import Alarm

FUNCTIONS = frozenset(route.name for route in ROUTES)
OUTWARD = "notify"
"""The function whose deploy unit also delivers to sinks."""
Wake = Callable[[], None]


def nobody() -> None:
    """Who is woken by a commit where no relay runs."""


@dataclass(frozen=True, slots=True)
class Keylease:
    """Everything that one process runs."""

    settings: Settings
    process: Process
    parts: Parts

    @property
    def clock(self) -> Clock:
        return self.process.commits.clock

    @property
    def ids(self) -> Ids:
        return self.process.commits.ids

    @property
    def store(self) -> Store:
        return self.process.commits.store


@asynccontextmanager
async def running(
    settings: Settings,
    /,
    *,
    functions: Iterable[str] = FUNCTIONS,
    wrap: Wrap = unwrapped,
    wake: Wake = nobody,
    variables: Mapping[str, str] | None = None,
    alarm: "Alarm | None" = None,
    relays: bool = False,
) -> AsyncIterator[Keylease]:
    """Open what the named functions need, fill them, and close it all at the end.

    Events go to all functions and sinks, also to those that run elsewhere. A process that `relays`
    delivers to sinks, whatever its functions are.

    Raises:
        Misconfigured: something that is needed cannot be had; says what to do.
    """
    variables = environment() if variables is None else variables
    async with AsyncExitStack() as stack:
        with uncollected(stack):
            makers = _Makers(
                settings=settings, variables=variables, wake=wake, alarm=alarm, stack=stack
            )
            named = {"answer_within": settings.answer_by}
            parts = Parts(makers=makers.table(), stack=stack, wrap=wrap, named=named)
            bound = {name: await _bound(name, parts=parts) for name in sorted(functions)}
            process = Process(
                commits=await parts.get(Commits),
                functions=bound,
                sinks=await makers.sinks(parts) if relays or OUTWARD in bound else {},
                tracing=await parts.get(Tracing),
            )
        yield Keylease(settings=settings, process=process, parts=parts)


async def _bound(name: str, *, parts: Parts) -> Bound:
    function: Function = load_function(name)
    return Bound(function=function, handler=await parts.filled(function.handler))


@dataclass(frozen=True, slots=True)
class _Makers:
    """One maker per port."""

    settings: Settings
    variables: Mapping[str, str] = field(repr=False)
    wake: Wake
    alarm: "Alarm | None"
    stack: AsyncExitStack

    def table(self) -> dict[str, Callable[[Parts], Any]]:
        return {
            "Clock": self._clock,
            "Ids": self._ids,
            "Http": self._http,
            "Store": self._store,
            "Secrets": self._secrets,
            "Commits": self._commits,
            "Journal": self._journal,
            "Policy": self._policy,
            "Catalog": self._catalog,
            "Directory": self._directory,
            "Accounts": self._accounts,
            "AlibabaClient": self._client,
            "Chats": self._chats,
            "Telling": self._telling,
            "Tracing": self._tracing,
            "ClaimPages": self._pages,
        }

    async def _clock(self, _: Parts) -> Clock:
        from keylease.adapters.system.clock import SystemClock

        return SystemClock()

    async def _ids(self, parts: Parts) -> Ids:
        from keylease.adapters.system.ids import SystemIds

        return SystemIds(await parts.get(Clock))

    async def _http(self, parts: Parts) -> "Http":
        from keylease.adapters.system.lazy_http import LazyHttp

        return traced(LazyHttp(self._session), tracing=await parts.get(Tracing))

    async def _session(self) -> "Http":
        from keylease.adapters.system.http import AiohttpHttp

        return await self.stack.enter_async_context(AiohttpHttp())

    async def _store(self, _: Parts) -> Store:
        from keylease.runtime.stores import open_store

        wake = None if self.wake is nobody else self.wake
        opened = open_store(self.settings, variables=self.variables, wake=wake)
        return await self.stack.enter_async_context(opened)

    async def _secrets(self, _: Parts) -> "Secrets":
        from keylease.runtime.keys import sealing

        return sealing(self.settings)

    async def _commits(self, parts: Parts) -> Commits:
        return Commits(
            store=await parts.get(Store),
            clock=await parts.get(Clock),
            ids=await parts.get(Ids),
            router=Router(functions=ROUTES, sinks=tuple(sorted(self.settings.sinks))),
            wake=self.wake,
            alarm=self.alarm,
        )

    async def _journal(self, parts: Parts) -> "Journal":
        return await parts.get(Commits)

    async def _policy(self, _: Parts) -> "Policy":
        from keylease.adapters.files.policy import load_policy

        return load_policy(self.settings.policy)

    async def _catalog(self, _: Parts) -> "Catalog":
        from keylease.adapters.files.catalog import load_catalog

        return load_catalog(self.settings.catalog)

    async def _directory(self, _: Parts) -> "Directory":
        from keylease.adapters.files.directory import load_directory

        return load_directory(self.settings.directory)

    async def _accounts(self, parts: Parts) -> "Accounts":
        from keylease.adapters.alibaba.accounts import AlibabaAccounts
        from keylease.adapters.alibaba.client import AlibabaClient
        from keylease.adapters.system.redis_login import RedisLogin

        return AlibabaAccounts(await parts.get(AlibabaClient), login=RedisLogin())

    async def _client(self, parts: Parts) -> "AlibabaClient":
        from keylease.ports.http import Http
        from keylease.runtime.cloud import alibaba_client

        return alibaba_client(
            self.settings.alibaba,
            http=await parts.get(Http),
            clock=await parts.get(Clock),
            ids=await parts.get(Ids),
            variables=self.variables,
        )

    async def _chats(self, parts: Parts) -> "Chats":
        from keylease.ports.http import Http
        from keylease.runtime.outward import chats

        return chats(self.settings, http=await parts.get(Http))

    async def _tracing(self, _: Parts) -> Tracing:
        return await self.stack.enter_async_context(telemetry(self.settings))

    async def _telling(self, _: Parts) -> "Telling":
        from keylease.domain.telling import Telling

        return Telling(
            public_url=self.settings.base_url,
            operators=self.settings.operators,
            link_lasts=self.settings.claim_by,
            time_zone=self.settings.time_zone,
        )

    async def _pages(self, _: Parts) -> "ClaimPages":
        from keylease.runtime.outward import claim_pages

        return claim_pages(self.settings)

    async def sinks(self, parts: Parts) -> "dict[str, Sink]":
        """All sinks by name; with none configured nothing is loaded."""
        if not self.settings.sinks:
            return {}
        from keylease.runtime.outward import sinks

        return await sinks(self.settings, parts=parts)
