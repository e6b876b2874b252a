"""Makes emulated Redis accounts real on a running server, so that a credential truly logs in."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from keylease.emulator.resp import DEFAULT_PORT, connected, parsed
from keylease.emulator.world import RedisAccount, RedisInstance
from keylease.errors import Misconfigured

NEVER = ("-@admin", "-@dangerous")
READING = ("+@read", "+@connection", "+@transaction", "+select", "+ping")
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "RoleReadOnly": (*READING, *NEVER),
    "RoleReadWrite": (*READING, "+@write", "+@pubsub", "+@scripting", *NEVER),
}
PATIENCE = 5


@dataclass(frozen=True, slots=True)
class RedisMirror:
    """ACL users of one server. The repr leaves the URL out, because it may hold a password."""

    url: str = field(repr=False)

    def located(self, instance: RedisInstance) -> RedisInstance:
        """The instance as clients reach it: at the mirrored server."""
        parts = parsed(self.url)
        address = {"connection_domain": parts.hostname, "port": parts.port or DEFAULT_PORT}
        return instance.model_copy(update=address)

    async def demand(self) -> None:
        """Fail at start rather than at the first account."""
        try:
            await self._send("PING")
        except (OSError, ValueError) as e:
            raise Misconfigured(
                f"the Redis server to mirror cannot be used ({type(e).__name__}): "
                "give redis://[user:password@]host[:port] of a running one"
            ) from e

    async def put(self, account: RedisAccount, /) -> None:
        """Create the user or replace everything it had; an old password stops to work."""
        password = f">{account.password.get_secret_value()}"
        rules = PERMISSIONS[account.privilege]
        await self._send(
            "ACL", "SETUSER", account.name, "reset", "on", password, "~*", "&*", *rules
        )

    async def remove(self, account: RedisAccount, /) -> None:
        """Remove the user; the server closes its connections, as the real service does."""
        await self._send("ACL", "DELUSER", account.name)

    async def _send(self, *words: str) -> None:
        async with asyncio.timeout(PATIENCE), connected(self.url) as connection:
            await connection.command(*words)
