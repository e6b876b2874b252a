"""The state of a running emulator: the world plus what calls have changed since."""

import secrets
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr

from keylease.emulator.world import (
    AccessKey,
    MqAccount,
    MqInstance,
    RedisAccount,
    RedisInstance,
    SessionKey,
    Settings,
    World,
)


class Identified(Protocol):
    @property
    def id(self) -> str: ...


Instance = TypeVar("Instance", bound=Identified)

FIRST_ENGINE_WITH_DEFAULT_ACCOUNT = 6


class Shelf(Generic[Instance]):
    """The instances of one product, each with the state before its last write."""

    def __init__(self, instances: tuple[Instance, ...]) -> None:
        self._current = {instance.id: instance for instance in instances}
        self._before: dict[str, Instance] = {}

    def get(self, instance_id: str) -> Instance | None:
        return self._current.get(instance_id)

    def get_stale(self, instance_id: str) -> Instance | None:
        return self._before.get(instance_id, self.get(instance_id))

    def __getitem__(self, instance_id: str) -> Instance:
        return self._current[instance_id]

    def put(self, instance: Instance) -> None:
        self._before[instance.id] = self._current[instance.id]
        self._current[instance.id] = instance

    def all(self) -> tuple[Instance, ...]:
        return tuple(self._current.values())


class Live:
    """What the operations read and write."""

    def __init__(self, world: World) -> None:
        self.settings: Settings = world.settings
        self.roles = world.roles
        self.keys: dict[str, AccessKey] = {key.id: key for key in world.access_keys}
        self.rocketmq = Shelf(tuple(map(_with_instance_account, world.rocketmq)))
        self.redis = Shelf(tuple(map(_with_built_in_accounts, world.redis)))

    def change(self, **settings: object) -> None:
        """Switch settings at run time, validated like those of a world file."""
        merged = {**self.settings.model_dump(), **settings}
        self.settings = Settings.model_validate(merged)

    def mint(self, *, arn: str, expires_at: datetime) -> SessionKey:
        """Issue temporary credentials, which need their security token on every call."""
        key = SessionKey(
            id=f"STS.{secrets.token_hex(12)}",
            secret=SecretStr(secrets.token_urlsafe(32)),
            security_token=SecretStr(f"CAIS{secrets.token_urlsafe(120)}+/=="),
            arn=arn,
            expires_at=expires_at,
        )
        self.keys[key.id] = key
        return key


def _with_instance_account(instance: MqInstance) -> MqInstance:
    if any(account.account_type == "DEFAULT" for account in instance.accounts):
        return instance
    default = MqAccount(
        username=f"{instance.id.removeprefix('rmq-cn-')}default",
        password=SecretStr(secrets.token_urlsafe(12)),
        account_type="DEFAULT",
    )
    return instance.model_copy(update={"accounts": (default, *instance.accounts)})


def _with_built_in_accounts(instance: RedisInstance) -> RedisInstance:
    has_default = engine_major(instance) >= FIRST_ENGINE_WITH_DEFAULT_ACCOUNT
    names = (instance.id, "default") if has_default else (instance.id,)
    present = {account.name for account in instance.accounts}
    built_in = tuple(
        RedisAccount(
            name=name,
            password=SecretStr(secrets.token_urlsafe(12)),
            account_type="Super",
            built_in=True,
        )
        for name in names
        if name not in present
    )
    return instance.model_copy(update={"accounts": (*built_in, *instance.accounts)})


def engine_major(instance: RedisInstance) -> int:
    major = instance.engine_version.partition(".")[0]
    return int(major) if major.isdecimal() else 0
