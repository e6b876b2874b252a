"""The port `Accounts` on Alibaba Cloud: each call goes to the product of its target."""

from dataclasses import dataclass

from keylease.adapters.alibaba.accounts_redis import Probe, RedisAccounts
from keylease.adapters.alibaba.accounts_rocketmq import RocketMqAccounts
from keylease.adapters.alibaba.client import AlibabaClient
from keylease.domain.access import Permission, Product, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import Observed, Step
from keylease.ports.accounts import Accounts, Endpoint, Health, Login


@dataclass(frozen=True, slots=True)
class AlibabaAccounts:
    """Both products."""

    rocketmq: RocketMqAccounts
    redis: RedisAccounts

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


def alibaba_accounts(
    client: AlibabaClient, /, *, login: Probe, passwords_in_query: bool = False
) -> AlibabaAccounts:
    """The adapter over one client."""
    return AlibabaAccounts(
        rocketmq=RocketMqAccounts(client=client),
        redis=RedisAccounts(client=client, probe=login, passwords_in_query=passwords_in_query),
    )
