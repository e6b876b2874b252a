"""Redis/Tair accounts behind the port `Accounts`. An account holds exactly one privilege."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.adapters.alibaba.steps import gone_is_success, password_refused
from keylease.adapters.alibaba.tair import PRODUCT, Tair
from keylease.adapters.alibaba.tair_wire import Account, Instance
from keylease.domain.access import Action, Permission, ResourceType, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import CreateAccount, DropAccount, Observed, PutRow, Step
from keylease.errors import InvariantBroken, ProviderBusy, ProviderNotFound, ProviderRefused
from keylease.ports.accounts import Endpoint, Health, Login

READS = frozenset({Action.READ})
READS_AND_WRITES = frozenset({Action.READ, Action.WRITE})
PRIVILEGES = {"RoleReadOnly": READS, "RoleReadWrite": READS_AND_WRITES}
CACHE = "*"
OLDEST_ENGINE = 4


class Probe(Protocol):
    """Tries a password on a Redis server."""

    async def __call__(self, *, host: str, port: int, username: str, password: Secret) -> Login:
        """Never raises for the outcome."""
        ...


@dataclass(frozen=True, slots=True)
class RedisAccounts:
    """Accounts on Redis/Tair instances."""

    client: AlibabaClient
    probe: Probe
    passwords_in_query: bool = False

    async def observe(self, target: Target, /, *, username: str) -> Observed:
        found = await self._on(target).describe_accounts(name=username)
        account = next((row for row in found if row.account_name == username), None)
        if account is None:
            return Observed(exists=False, enabled=False)
        return Observed(
            exists=True,
            settled=account.account_status == "Available",
            permissions=_permissions(account),
        )

    async def apply(self, target: Target, /, *, step: Step, password: Secret | None = None) -> None:
        tair = self._on(target)
        match step:
            case CreateAccount():
                await self._create(tair, step, password)
            case PutRow():
                await tair.grant_account_privilege(
                    step.username, privilege=_privilege(step.permission)
                )
            case DropAccount():
                await gone_is_success(tair.delete_account(step.username))
            case _:
                msg = f"Redis has no such step: {step}"
                raise InvariantBroken(msg)

    async def set_password(self, target: Target, /, *, username: str, password: Secret) -> None:
        tair = self._on(target)
        with password_refused():
            await tair.reset_account_password(username, password=password)

    async def login(self, target: Target, /, *, username: str, password: Secret) -> Login:
        for endpoint in await self.endpoints(target):
            result = await self.probe(
                host=endpoint.host, port=endpoint.port, username=username, password=password
            )
            if result is not Login.UNREACHABLE:
                return result
        return Login.UNREACHABLE

    async def usernames(self, target: Target, /) -> tuple[str, ...]:
        accounts = await self._on(target).describe_accounts()
        built_in = {target.instance_id, "default"}
        return tuple(sorted({row.account_name for row in accounts} - built_in))

    async def missing(
        self, target: Target, /, *, permissions: tuple[Permission, ...]
    ) -> tuple[str, ...]:
        odd = (p for p in permissions if p.key != (ResourceType.CACHE, CACHE))
        words = tuple(f"{p.resource} {p.name}" for p in odd)
        try:
            await self._on(target).describe_instance_attribute()
        except ProviderNotFound:
            return (*words, f"instance {target.instance_id}")
        return words

    async def endpoints(self, target: Target, /) -> tuple[Endpoint, ...]:
        instance = await self._on(target).describe_instance_attribute()
        if not instance.connection_domain or not instance.port:
            return ()
        network = (instance.network_type or "").lower()
        return (Endpoint(network=network, host=instance.connection_domain, port=instance.port),)

    async def health(self, target: Target, /) -> Health:
        try:
            instance = await self._on(target).describe_instance_attribute()
        except ProviderNotFound:
            return Health((f"instance {target.instance_id} does not exist",))
        return Health(tuple(_problems(instance)))

    async def _create(self, tair: Tair, step: CreateAccount, password: Secret | None) -> None:
        if password is None or step.permission is None:
            msg = f"no password or no privilege for the new account {step.username}"
            raise InvariantBroken(msg)
        try:
            with password_refused():
                await tair.create_account(
                    step.username, password=password, privilege=_privilege(step.permission)
                )
        except ProviderRefused as e:
            if e.code != "AccountLimitExceeded":
                raise
            raise ProviderBusy(e.provider, e.code, status=e.status, request_id=e.request_id) from e

    def _on(self, target: Target) -> Tair:
        return Tair(
            client=self.client,
            region=target.region,
            instance=target.instance_id,
            passwords_in_query=self.passwords_in_query,
        )


def _permissions(account: Account) -> tuple[Permission, ...]:
    """A privilege that we do not know is not guessed at."""
    actions: frozenset[Action] = frozenset()
    for privilege in account.privileges:
        if privilege not in PRIVILEGES:
            raise ProviderRefused(PRODUCT, "UnreadablePrivilege")
        actions |= PRIVILEGES[privilege]
    if not actions:
        return ()
    return (Permission(resource=ResourceType.CACHE, name=CACHE, actions=actions),)


def _privilege(permission: Permission) -> str:
    """The one privilege that gives exactly this: none writes only, and none knows addresses."""
    is_whole = permission.key == (ResourceType.CACHE, CACHE) and not permission.whitelist
    for name, actions in PRIVILEGES.items():
        if is_whole and permission.actions == actions:
            return name
    raise ProviderRefused(PRODUCT, "NoSuchPrivilege")


def _problems(instance: Instance) -> Iterable[str]:
    if instance.instance_status != "Normal":
        yield f"the instance is {instance.instance_status or 'in an unknown state'}, not Normal"
    major = (instance.engine_version or "").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST_ENGINE:
        yield f"engine {instance.engine_version or 'unknown'} has no accounts (4.0 or later has)"
    if (instance.vpc_auth_mode or "").lower() == "close":
        yield "clients in the VPC need no password (VpcAuthMode): accounts do not bind them"
