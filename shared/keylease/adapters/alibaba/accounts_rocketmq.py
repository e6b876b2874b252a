"""RocketMQ accounts and their ACL rows behind the port `Accounts`."""

from collections.abc import Iterable
from dataclasses import dataclass

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.adapters.alibaba.rocketmq import AclRule, RocketMq
from keylease.adapters.alibaba.rocketmq_rows import is_same, permission_of, rule_of, type_of
from keylease.adapters.alibaba.rocketmq_wire import Account, Acl, Instance
from keylease.adapters.alibaba.steps import gone_is_success, password_refused, taken_is_success
from keylease.adapters.alibaba.together import both, together
from keylease.domain.access import Permission, ResourceType, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    Observed,
    PutRow,
    Step,
)
from keylease.errors import (
    InvariantBroken,
    ProviderBusy,
    ProviderConflict,
    ProviderNotFound,
    ProviderRefused,
)
from keylease.ports.accounts import Endpoint, Health, Login

BUILT_IN = "DEFAULT"
NETWORKS = {"TCP_VPC": "vpc", "TCP_INTERNET": "internet"}


@dataclass(frozen=True, slots=True)
class RocketMqAccounts:
    """Accounts on RocketMQ instances."""

    client: AlibabaClient

    async def observe(self, target: Target, /, *, username: str) -> Observed:
        mq = self._on(target)
        account, rows = await both(self._account(mq, username), mq.list_instance_acls())
        return _observed(account, tuple(row for row in rows if row.username == username))

    async def apply(self, target: Target, /, *, step: Step, password: Secret | None = None) -> None:
        mq = self._on(target)
        match step:
            case CreateAccount():
                await self._create(mq, step.username, password)
            case PutRow():
                await self._put(mq, rule_of(step.permission, username=step.username), step.exists)
            case DropRow():
                await gone_is_success(_drop(mq, step.username, step.permission))
            case Enable():
                await mq.update_instance_account(step.username, account_status="ENABLE")
            case Disable():
                await gone_is_success(
                    mq.update_instance_account(step.username, account_status="DISABLE")
                )
            case DropAccount():
                await gone_is_success(mq.delete_instance_account(step.username))

    async def set_password(self, target: Target, /, *, username: str, password: Secret) -> None:
        mq = self._on(target)
        with password_refused():
            await mq.update_instance_account(username, password=password)

    async def login(self, target: Target, /, *, username: str, password: Secret) -> Login:
        """We have no RocketMQ client."""
        del target, username, password
        return Login.UNREACHABLE

    async def usernames(self, target: Target, /) -> tuple[str, ...]:
        accounts = await self._on(target).list_instance_accounts()
        names = (row.username for row in accounts if row.account_type.upper() != BUILT_IN)
        return tuple(sorted(names))

    async def missing(
        self, target: Target, /, *, permissions: tuple[Permission, ...]
    ) -> tuple[str, ...]:
        mq = self._on(target)
        keys = sorted({permission.key for permission in permissions})
        looks = await together(_absence(mq, kind, name) for kind, name in keys)
        return tuple(words for words in looks if words)

    async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
        instance = await self._on(target).get_instance()
        shown = instance.network.endpoints if instance.network else ()
        found = (_endpoint(item.endpoint_type, item.endpoint_url) for item in shown)
        return tuple(endpoint for endpoint in found if endpoint is not None)

    async def health(self, target: Target, /) -> Health:
        try:
            instance = await self._on(target).get_instance()
        except ProviderNotFound:
            return Health((f"instance {target.instance_id} does not exist",))
        return Health(tuple(_problems(instance)))

    async def _account(self, mq: RocketMq, username: str) -> Account | None:
        # Whether the service matches the name exactly is unknown, so we look again.
        found = await mq.list_instance_accounts(username=username)
        return next((row for row in found if row.username == username), None)

    async def _create(self, mq: RocketMq, username: str, password: Secret | None) -> None:
        """The codes of "taken" and "full" are not documented (2.1): a refusal is looked into."""
        if password is None:
            msg = f"no password for the new account {username}"
            raise InvariantBroken(msg)
        try:
            await mq.create_instance_account(username, password=password)
        except ProviderRefused as e:
            await self._explain(mq, username, e)

    async def _explain(self, mq: RocketMq, username: str, refused: ProviderRefused) -> None:
        kind: type[ProviderConflict | ProviderBusy] | None = None
        if await self._account(mq, username) is not None:
            kind = ProviderConflict
        elif any(word in refused.code for word in ("Quota", "Limit", "Exceed")):
            kind = ProviderBusy
        if kind is None:
            with password_refused():
                raise refused
        raise kind(
            refused.provider, refused.code, status=refused.status, request_id=refused.request_id
        ) from refused

    async def _put(self, mq: RocketMq, rule: AclRule, exists: bool) -> None:  # noqa: FBT001  # the step's word
        """Make the row exactly this. A service that merges cannot narrow it: then it is remade."""
        if not exists:
            await taken_is_success(mq.create_instance_acl(rule))
            return
        await mq.update_instance_acl(rule)
        shown = await mq.get_instance_acl(
            rule.username, resource_type=rule.resource_type, resource_name=rule.resource_name
        )
        if is_same(shown, rule):
            return
        await gone_is_success(
            mq.delete_instance_acl(
                rule.username, resource_type=rule.resource_type, resource_name=rule.resource_name
            )
        )
        await taken_is_success(mq.create_instance_acl(rule))

    def _on(self, target: Target) -> RocketMq:
        return RocketMq(client=self.client, region=target.region, instance=target.instance_id)


def _observed(account: Account | None, rows: tuple[Acl, ...]) -> Observed:
    allowed = tuple(permission_of(row) for row in rows if row.decision.lower() == "allow")
    return Observed(
        exists=account is not None,
        enabled=account is not None and account.account_status.upper() != "DISABLE",
        permissions=allowed,
        denies=tuple(permission_of(row) for row in rows if row.decision.lower() != "allow"),
    )


async def _drop(mq: RocketMq, username: str, permission: Permission) -> None:
    await mq.delete_instance_acl(
        username, resource_type=type_of(permission.resource), resource_name=permission.name
    )


async def _absence(mq: RocketMq, kind: ResourceType, name: str) -> str:
    """What is missing, in words; empty when it is there."""
    words = f"{kind} {name}"
    try:
        if kind is ResourceType.TOPIC:
            await mq.get_topic(name)
        elif kind is ResourceType.GROUP:
            await mq.get_consumer_group(name)
        else:
            return words
    except ProviderNotFound:
        return words
    return ""


def _endpoint(kind: str, url: str) -> Endpoint | None:
    host, _, port = url.strip().rpartition(":")
    host = host.rpartition("//")[2]
    if not host or not port.isascii() or not port.isdigit():
        return None
    return Endpoint(network=NETWORKS.get(kind, kind.lower()), host=host, port=int(port))


def _problems(instance: Instance) -> Iterable[str]:
    if instance.status != "RUNNING":
        yield f"the instance is {instance.status or 'in an unknown state'}, not RUNNING"
    if instance.acl is None or "apache_acl" not in instance.acl.acl_types:
        yield "ACL authentication (apache_acl) is off: accounts have no effect"
    if instance.acl is not None and instance.acl.default_vpc_auth_free:
        yield "clients in the VPC need no credentials (defaultVpcAuthFree): ACLs do not bind them"
