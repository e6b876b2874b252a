"""R-kvstore 2015-01-01 (Redis/Tair) on the wire: the vendor's answers with the vendor's names."""

from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from keylease.adapters.alibaba.client import Answer, Wire


def _absent_is_empty(value: object) -> object:
    return [] if value is None else value


class Privilege(Wire):
    """What an account may do."""

    account_privilege: str = Field(default="", alias="AccountPrivilege")


class Privileges(Wire):
    """The wrapper around the list."""

    items: Annotated[tuple[Privilege, ...], BeforeValidator(_absent_is_empty)] = Field(
        default=(), alias="DatabasePrivilege"
    )


class Account(Wire):
    """One account of an instance."""

    account_name: str = Field(alias="AccountName")
    account_status: str = Field(default="", alias="AccountStatus")
    account_type: str | None = Field(default=None, alias="AccountType")
    description: str | None = Field(default=None, alias="AccountDescription")
    wrapped_privileges: Privileges | None = Field(default=None, alias="DatabasePrivileges")

    @property
    def privileges(self) -> tuple[str, ...]:
        """The privileges' names; one for an account of a current engine."""
        wrapped = self.wrapped_privileges
        return tuple(item.account_privilege for item in wrapped.items) if wrapped else ()


class AccountList(Wire):
    """The wrapper around the list."""

    items: Annotated[tuple[Account, ...], BeforeValidator(_absent_is_empty)] = Field(
        alias="Account"
    )


class Done(Answer):
    """The answer to a change: at least a request id, or it is not the vendor's."""

    @property
    def was_done(self) -> bool:
        return bool(self.request_id)


class Created(Done):
    """The answer to CreateAccount; the vendor's old name has one `c`."""

    account_name: str | None = Field(
        default=None, validation_alias=AliasChoices("AccountName", "AcountName")
    )
    instance_id: str | None = Field(default=None, alias="InstanceId")


class Accounts(Answer):
    """The answer to DescribeAccounts: an unknown account is an empty list."""

    wrapped: AccountList = Field(alias="Accounts")
    total: int | None = Field(default=None, alias="TotalCount")


class Instance(Wire):
    """An instance."""

    instance_id: str = Field(alias="InstanceId")
    instance_status: str = Field(default="", alias="InstanceStatus")
    engine_version: str | None = Field(default=None, alias="EngineVersion")
    connection_domain: str | None = Field(default=None, alias="ConnectionDomain")
    port: int | None = Field(default=None, alias="Port")
    network_type: str | None = Field(default=None, alias="NetworkType")
    vpc_auth_mode: str | None = Field(default=None, alias="VpcAuthMode")


class InstanceList(Wire):
    """The wrapper around the list."""

    items: Annotated[tuple[Instance, ...], BeforeValidator(_absent_is_empty)] = Field(
        alias="DBInstanceAttribute"
    )


class Instances(Answer):
    """The answer to DescribeInstanceAttribute."""

    wrapped: InstanceList = Field(alias="Instances")
