"""Both products in one process: the same promises as the cloud, its delays, and planned faults."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from keylease.adapters.memory.cloud_state import CACHE, Holding, Instance, Row
from keylease.adapters.memory.cloud_steps import Rules
from keylease.adapters.memory.faults import Fault, Plan, error_of
from keylease.domain.access import Permission, Product, RowKey, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import Observed, Step
from keylease.errors import ProviderError
from keylease.ports.accounts import Endpoint, Health, Login
from keylease.ports.clock import Clock

Change = Callable[[Rules, Instance], Instance]

AMBIGUOUS = frozenset({Fault.LOST_REQUEST, Fault.LOST_RESPONSE, Fault.LATE})


@dataclass(slots=True)
class MemoryCloud:
    """Keeps `ports.accounts.Accounts`; one per simulation, shared by every process in it."""

    clock: Clock
    settle: timedelta = timedelta(0)
    """How long Redis works on an account after each change."""
    account_limit: int = 18
    """Accounts that one Redis instance takes."""
    resources: Mapping[str, frozenset[RowKey]] | None = None
    """Topics and groups by instance id; None: all that are asked for exist."""
    hosts: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    """Endpoints by instance id."""
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What doctor says, by instance id."""
    calls: list[str] = field(default_factory=list)
    """Every call that was made, in words without secrets."""
    _now: dict[str, Instance] = field(default_factory=dict)
    _before: dict[str, Instance] = field(default_factory=dict)
    _plan: Plan = field(default_factory=Plan)
    _stale: int = 0
    _late: list[tuple[Target, Change]] = field(default_factory=list)

    async def observe(self, target: Target, /, *, username: str) -> Observed:
        await self._called(target, "observe", username)
        shown = self._instance(target)
        if self._stale:
            self._stale -= 1
            shown = self._before.get(target.instance_id, shown)
        return shown.observed(username)

    async def apply(self, target: Target, /, *, step: Step, password: Secret | None = None) -> None:
        fault = await self._called(target, "apply", str(step), detail=type(step).__name__)
        self._write(target, lambda rules, i: rules.apply(i, step=step, password=password), fault)

    async def set_password(self, target: Target, /, *, username: str, password: Secret) -> None:
        fault = await self._called(target, "set_password", username)
        self._write(
            target,
            lambda rules, i: rules.set_password(i, username=username, password=password),
            fault,
        )

    async def login(self, target: Target, /, *, username: str, password: Secret) -> Login:
        self.calls.append(f"login {target.id} {username}")
        await asyncio.sleep(0)
        if target.product is not Product.REDIS or self._plan.next("login") is not None:
            return Login.UNREACHABLE  # nobody has a RocketMQ client
        accepted = self.would_log_in(target, username=username, password=password)
        return Login.ACCEPTED if accepted else Login.REFUSED

    async def usernames(self, target: Target, /) -> tuple[str, ...]:
        await self._called(target, "usernames", "")
        return tuple(sorted(self._instance(target).accounts))

    async def missing(
        self, target: Target, /, *, permissions: tuple[Permission, ...]
    ) -> tuple[str, ...]:
        await self._called(target, "missing", "")
        if target.product is Product.REDIS:
            there = frozenset({CACHE})
        elif self.resources is None:
            return ()
        else:
            there = self.resources.get(target.instance_id, frozenset())
        absent = sorted({permission.key for permission in permissions} - there)
        return tuple(f"{resource} {name}" for resource, name in absent)

    async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
        await self._called(target, "endpoints", "")
        return self.hosts.get(target.instance_id, ())

    async def health(self, target: Target, /) -> Health:
        await self._called(target, "health", "")
        return Health(self.problems.get(target.instance_id, ()))

    def plan(self, call: str, /, *faults: Fault | None) -> None:
        """Let the next calls fail, each in its way; None lets one pass.

        `call` is a method, or `apply:` and the class of a step, such as `apply:PutRow`.
        """
        self._plan.add(call, faults=faults)

    def stale(self, reads: int, /) -> None:
        """Let the next reads show what stood before the last write."""
        self._stale = reads

    def land(self) -> None:
        """Let the writes that are still on their way arrive."""
        late, self._late = self._late, []
        for target, change in late:
            self._put_unheard(target, change)

    def calm(self) -> None:
        """No more faults; what is on its way arrives."""
        self._plan.clear()
        self._stale = 0
        self.land()

    def seed(
        self,
        target: Target,
        /,
        *,
        username: str,
        password: Secret,
        rows: tuple[Permission, ...] = (),
        denies: tuple[Permission, ...] = (),
        enabled: bool = True,
    ) -> None:
        """An account that stood there before keylease."""
        now = self._instance(target).with_account(username, Holding(password, enabled=enabled))
        for row in rows:
            now = now.with_row(username, Row(row))
        for row in denies:
            now = now.with_row(username, Row(row, is_deny=True))
        self._now[target.instance_id] = now

    def seen(self, target: Target, /, *, username: str) -> Observed:
        """The truth, for a test to look at: never stale, never failing."""
        return self._instance(target).observed(username)

    def password_of(self, target: Target, /, *, username: str) -> Secret | None:
        """The password that works there now."""
        holding = self._instance(target).accounts.get(username)
        return holding.password if holding else None

    def would_log_in(self, target: Target, /, *, username: str, password: Secret) -> bool:
        """Whether a client gets in with it, on either product."""
        holding = self._instance(target).accounts.get(username)
        if holding is None or not holding.enabled or holding.leaving:
            return False
        return holding.password == password

    async def _called(
        self, target: Target, method: str, about: str, *, detail: str = ""
    ) -> Fault | None:
        """Note the call, let others run, and fail as planned; ambiguous faults are the caller's."""
        self.calls.append(f"{method} {target.id} {about}".strip())
        await asyncio.sleep(0)
        fault = self._plan.next(f"{method}:{detail}", method)
        if fault is not None and fault not in AMBIGUOUS:
            raise error_of(fault)
        return fault

    def _write(self, target: Target, change: Change, fault: Fault | None) -> None:
        if fault is None:
            self._put(target, change)
            return
        if fault is Fault.LOST_RESPONSE:
            self._put_unheard(target, change)
        elif fault is Fault.LATE:
            self._late.append((target, change))
        raise error_of(fault)

    def _put(self, target: Target, change: Change) -> None:
        now = self._instance(target)
        rules = Rules(now=self.clock.now(), settle=self.settle, account_limit=self.account_limit)
        self._now[target.instance_id] = change(rules, now)
        self._before[target.instance_id] = now

    def _put_unheard(self, target: Target, change: Change) -> None:
        with suppress(ProviderError):  # nobody hears of a refusal either
            self._put(target, change)

    def _instance(self, target: Target) -> Instance:
        now = self._now.get(target.instance_id) or Instance(product=target.product)
        return now.settled(self.clock.now())
