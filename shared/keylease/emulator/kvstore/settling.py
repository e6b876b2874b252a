"""Account work that finishes later: Unavailable becomes Available, a leaving account goes.

Settling happens before every call and on a timer, so that an account becomes real on a mirrored
server even when nobody asks. While the mirror cannot be reached the account stays Unavailable.
"""

import asyncio
import logging
from datetime import datetime
from typing import Protocol

from keylease.emulator.clock import EmulatorClock
from keylease.emulator.kvstore.accounts import with_account
from keylease.emulator.live import Live
from keylease.emulator.world import RedisAccount

log = logging.getLogger("keylease.emulator")
TICK = 0.02


class Mirror(Protocol):
    """A server on which settled accounts become real. Raises OSError when it cannot be reached."""

    async def put(self, account: RedisAccount, /) -> None: ...

    async def remove(self, account: RedisAccount, /) -> None: ...


class NoMirror:
    """The default: accounts exist in the emulator alone."""

    async def put(self, account: RedisAccount, /) -> None:
        """Nothing to make real."""

    async def remove(self, account: RedisAccount, /) -> None:
        """Nothing to take back."""


class Settling:
    def __init__(self, live: Live, *, clock: EmulatorClock, mirror: Mirror) -> None:
        self._live = live
        self._clock = clock
        self._mirror = mirror
        self._lock = asyncio.Lock()

    async def settle(self) -> None:
        """Finish everything that is due."""
        now = self._clock.now()
        if not self._due(now):
            return
        async with self._lock:
            for instance_id, name in self._due(now):
                await self._finish(instance_id, name=name)

    async def keep_settling(self) -> None:
        while True:
            await self.settle()
            await asyncio.sleep(TICK)

    async def mirror_all(self) -> None:
        """Make the accounts that a world file brought real."""
        for instance in self._live.redis.all():
            for account in instance.accounts:
                if not account.built_in and account.settles_at is None:
                    await self._mirror.put(account)

    async def unmirror_all(self) -> None:
        """Take back every account that was made real."""
        for instance in self._live.redis.all():
            for account in instance.accounts:
                if not account.built_in:
                    await self._mirror.remove(account)

    def _due(self, now: datetime) -> list[tuple[str, str]]:
        return [
            (instance.id, account.name)
            for instance in self._live.redis.all()
            for account in instance.accounts
            if account.settles_at is not None and account.settles_at <= now
        ]

    async def _finish(self, instance_id: str, *, name: str) -> None:
        account = self._account(instance_id, name=name)
        if account is None or account.settles_at is None:
            return
        try:
            if not account.built_in:  # `default` is how we ourselves log in to the mirror
                await (self._mirror.remove if account.leaving else self._mirror.put)(account)
        except OSError as unreachable:
            log.warning("emulator.mirror_unreachable %s", type(unreachable).__name__)
            return
        self._store(instance_id, account=account)

    def _account(self, instance_id: str, *, name: str) -> RedisAccount | None:
        instance = self._live.redis[instance_id]
        return next((row for row in instance.accounts if row.name == name), None)

    def _store(self, instance_id: str, *, account: RedisAccount) -> None:
        instance = self._live.redis[instance_id]
        if account.leaving:
            rest = tuple(row for row in instance.accounts if row.name != account.name)
            self._live.redis.put(instance.model_copy(update={"accounts": rest}))
            return
        # A description may have changed while the mirror worked: change only the status.
        current = next(row for row in instance.accounts if row.name == account.name)
        settled = current.model_copy(update={"settles_at": None})
        self._live.redis.put(with_account(instance, settled))
