"""What each write does to an instance, or why it is refused."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keylease.adapters.memory.cloud_state import CACHE, PRIVILEGES, Holding, Instance, Row
from keylease.adapters.memory.faults import PROVIDER
from keylease.domain.access import Permission, Product
from keylease.domain.password import is_acceptable
from keylease.domain.secret import Secret
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
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


@dataclass(frozen=True, slots=True)
class Rules:
    """What the instance is like at the moment of the write."""

    now: datetime
    settle: timedelta
    account_limit: int

    def apply(self, instance: Instance, /, *, step: Step, password: Secret | None) -> Instance:
        """The instance after a step."""
        if isinstance(step, CreateAccount):
            return self._created(instance, step, password)
        if instance.product is Product.ROCKETMQ:
            return _changed(instance, step)
        match step:
            case PutRow():
                return self._granted(instance, step.username, step.permission)
            case DropAccount():
                return self._leaving(instance, step.username)
        msg = f"Redis has no such step: {step}"
        raise InvariantBroken(msg)

    def set_password(self, instance: Instance, /, *, username: str, password: Secret) -> Instance:
        """The instance after a new password."""
        holding = self._at_rest(instance, username)
        _acceptable(instance, password)
        return self._working(instance, username, replace(holding, password=password))

    def _created(
        self, instance: Instance, step: CreateAccount, password: Secret | None
    ) -> Instance:
        is_redis = instance.product is Product.REDIS
        if password is None or (is_redis and step.permission is None):
            msg = f"no password or no privilege for the new account {step.username}"
            raise InvariantBroken(msg)
        if step.username in instance.accounts:
            raise ProviderConflict(PROVIDER, "AccountName.Duplicate", status=409)
        if is_redis and len(instance.accounts) >= self.account_limit:
            raise ProviderBusy(PROVIDER, "AccountLimitExceeded", status=403)
        _acceptable(instance, password)
        made = self._working(instance, step.username, Holding(password))
        if step.permission is None:
            return made
        return made.with_row(step.username, Row(_privilege(step.permission)))

    def _granted(self, instance: Instance, username: str, permission: Permission) -> Instance:
        holding = self._at_rest(instance, username)
        row = Row(_privilege(permission))
        return self._working(instance, username, holding).with_row(username, row)

    def _leaving(self, instance: Instance, username: str) -> Instance:
        if username not in instance.accounts:
            return instance
        holding = self._at_rest(instance, username)
        return self._working(instance, username, replace(holding, leaving=True))

    def _at_rest(self, instance: Instance, username: str) -> Holding:
        holding = _holding(instance, username)
        if holding.settles_at is not None:
            raise ProviderBusy(PROVIDER, "OperationDenied.AccountStatus", status=403)
        return holding

    def _working(self, instance: Instance, username: str, holding: Holding) -> Instance:
        if instance.product is Product.REDIS:
            holding = replace(holding, settles_at=self.now + self.settle)
        return instance.with_account(username, holding)


def _changed(
    instance: Instance, step: PutRow | DropRow | Enable | Disable | DropAccount
) -> Instance:
    """A RocketMQ instance after a step: at once, whatever else goes on there."""
    match step:
        case PutRow():
            return _put(instance, step)
        case DropRow():
            return instance.without_row(step.username, step.permission.key)
        case Enable():
            holding = _holding(instance, step.username)
            return instance.with_account(step.username, replace(holding, enabled=True))
        case Disable():
            return _disabled(instance, step.username)
        case DropAccount():
            return instance.without_account(step.username)


def _put(instance: Instance, step: PutRow) -> Instance:
    """Create leaves a row that is there as it is; replace needs one."""
    _holding(instance, step.username)
    is_there = (step.username, step.permission.key) in instance.rows
    if not step.exists and is_there:
        return instance
    if step.exists and not is_there:
        raise ProviderNotFound(PROVIDER, "InstanceAcl.NotExisted", status=404)
    return instance.with_row(step.username, Row(step.permission))


def _disabled(instance: Instance, username: str) -> Instance:
    holding = instance.accounts.get(username)
    if holding is None:
        return instance
    return instance.with_account(username, replace(holding, enabled=False))


def _holding(instance: Instance, username: str) -> Holding:
    holding = instance.accounts.get(username)
    if holding is None:
        raise ProviderNotFound(PROVIDER, "Account.NotExisted", status=404)
    return holding


def _acceptable(instance: Instance, password: Secret) -> None:
    if not is_acceptable(password, product=instance.product):
        raise ProviderRefused(PROVIDER, "PasswordRefused", status=400)


def _privilege(permission: Permission) -> Permission:
    """Redis knows two privileges, and no addresses."""
    if permission.key != CACHE or permission.actions not in PRIVILEGES or permission.whitelist:
        raise ProviderRefused(PROVIDER, "NoSuchPrivilege", status=400)
    return permission
