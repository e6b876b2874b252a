"""The port `Accounts` on Alibaba Cloud: each call goes to the product of its target.

A product is loaded with the first target of it: one cold start seldom meets both.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.domain.access import Permission, Product, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import Observed, Step
from keylease.ports.accounts import Accounts, Endpoint, Health, Login

if TYPE_CHECKING:
    from keylease.adapters.alibaba.accounts_redis import Probe, RedisAccounts
    from keylease.adapters.alibaba.accounts_rocketmq import RocketMqAccounts


class AlibabaAccounts:
    """Both products, over one client."""

    def __init__(
        self, client: AlibabaClient, /, *, login: "Probe", passwords_in_query: bool = False
    ) -> None:
        self._client = client
        self._login = login
        self._passwords_in_query = passwords_in_query

    @cached_property
    def rocketmq(self) -> "RocketMqAccounts":
        from keylease.adapters.alibaba.accounts_rocketmq import RocketMqAccounts  # noqa: PLC0415  # as said above

        return RocketMqAccounts(client=self._client)

    @cached_property
    def redis(self) -> "RedisAccounts":
        from keylease.adapters.alibaba.accounts_redis import RedisAccounts  # noqa: PLC0415  # as said above

        return RedisAccounts(
            client=self._client, probe=self._login, passwords_in_query=self._passwords_in_query
        )

    async def observe(self, target: Target, /, *, username: str) -> Observed:
        return await self._of(target).observe(target, username=username)

    async def apply(self, target: Target, /, *, step: Step, password: Secret | None = None) -> None:
        await self._of(target).apply(target, step=step, password=password)

    async def set_password(self, target: Target, /, *, username: str, password: Secret) -> None:
        await self._of(target).set_password(target, username=username, password=password)

    async def login(self, target: Target, /, *, username: str, password: Secret) -> Login:
        return await self._of(target).login(target, username=username, password=password)

    async def usernames(self, target: Target, /) -> tuple[str, ...]:
        return await self._of(target).usernames(target)

    async def missing(
        self, target: Target, /, *, permissions: tuple[Permission, ...]
    ) -> tuple[str, ...]:
        return await self._of(target).missing(target, permissions=permissions)

    async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
        return await self._of(target).endpoints(target)

    async def health(self, target: Target, /) -> Health:
        return await self._of(target).health(target)

    def _of(self, target: Target) -> Accounts:
        return self.rocketmq if target.product is Product.ROCKETMQ else self.redis
