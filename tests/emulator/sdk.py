"""The official SDKs as clients, sync and async behind one call."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from alibabacloud_r_kvstore20150101 import models as kv
from alibabacloud_r_kvstore20150101.client import Client as KvClient
from alibabacloud_rocketmq20220801 import models as mq
from alibabacloud_rocketmq20220801.client import Client as MqClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

INSTANCE = "rmq-cn-demo0001"
REDIS = "r-demo0001"
AWKWARD = "user@a b|c*d~é/f(1)"
PASSWORD = "aA1!@#$%^&*()_+-=z"

Mode = Literal["sync", "async"]
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sdk:
    """`await sdk.rocketmq("get_instance", "rmq-…")` runs the official client in either mode."""

    mode: Mode
    mq_client: MqClient
    kv_client: KvClient

    async def rocketmq(self, operation: str, *arguments: object) -> Body:
        return await self._run(self.mq_client, operation, arguments)

    async def kvstore(self, operation: str, **parameters: object) -> Body:
        model = "".join(map(str.capitalize, operation.split("_"))) + "Request"
        request = getattr(kv, model)(**parameters)
        return await self._run(self.kv_client, operation, (request,))

    async def _run(self, client: object, operation: str, arguments: tuple[object, ...]) -> Body:
        if self.mode == "async":
            response = await getattr(client, f"{operation}_async")(*arguments)
        else:
            response = await asyncio.to_thread(getattr(client, operation), *arguments)
        body: Body = response.body.to_map()
        return body


def official_sdk(
    url: str,
    *,
    mode: Mode,
    key_id: str = "testid",
    secret: str = "testsecret",
    security_token: str | None = None,
) -> Sdk:
    config = Config(
        access_key_id=key_id,
        access_key_secret=secret,
        security_token=security_token,
        type="sts" if security_token else "access_key",
        endpoint=url.removeprefix("http://"),
        protocol="http",
    )
    return Sdk(mode=mode, mq_client=MqClient(config), kv_client=KvClient(config))


async def code_of(call: Any) -> tuple[int, str]:  # a coroutine of either client
    """The status and code with which the service refuses `call`."""
    with pytest.raises(AlibabaCloudException) as refused:
        await call
    return refused.value.status_code, refused.value.code


async def create_account(sdk: Sdk, username: str, *, password: str = PASSWORD) -> None:
    request = mq.CreateInstanceAccountRequest(username=username, password=password)
    await sdk.rocketmq("create_instance_account", INSTANCE, request)


async def create_rule(
    sdk: Sdk,
    username: str,
    *,
    topic: str = "orders",
    actions: tuple[str, ...] = ("Pub",),
    networks: tuple[str, ...] = ("10.0.0.0/8",),
) -> None:
    request = mq.CreateInstanceAclRequest(
        resource_type="Topic",
        resource_name=topic,
        decision="Allow",
        actions=list(actions),
        ip_whitelists=list(networks),
    )
    await sdk.rocketmq("create_instance_acl", INSTANCE, username, request)


async def rule_of(sdk: Sdk, username: str, *, topic: str = "orders") -> Body:
    request = mq.GetInstanceAclRequest(resource_type="Topic", resource_name=topic)
    body = await sdk.rocketmq("get_instance_acl", INSTANCE, username, request)
    found: Body = body["data"]
    return found


async def redis_status(sdk: Sdk, name: str) -> str | None:
    body = await sdk.kvstore("describe_accounts", instance_id=REDIS, account_name=name)
    accounts = body["Accounts"]["Account"]
    return accounts[0]["AccountStatus"] if accounts else None
