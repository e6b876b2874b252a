"""RocketMQ 2022-08-01 on the wire: the vendor's answers with the vendor's names."""

from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from keylease.adapters.alibaba.client import Answer, Wire


def _words(value: object) -> object:
    """`actions` comes as a list or a string, and one element may say `Pub|Sub`."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return items if items is not None else []
    return [part.strip() for item in items for part in item.split("|") if part.strip()]


def _action(value: object) -> object:
    """`PUB`, `pub` and `Pub` are one action."""
    return value.capitalize() if isinstance(value, str) else value


def _absent_is_empty(value: object) -> object:
    return [] if value is None else value


Actions = Annotated[tuple[Annotated[str, BeforeValidator(_action)], ...], BeforeValidator(_words)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_absent_is_empty)]


T = TypeVar("T", bound=Wire)


class Account(Wire):
    """One account of an instance, as a list shows it."""

    username: str
    account_type: str = Field(default="", alias="accountType")
    account_status: str = Field(default="", alias="accountStatus")
    remark: str | None = None


class AccountSecret(Wire):
    """One account with its password: secret material as a whole."""

    username: str
    password: SecretStr
    account_status: str = Field(default="", alias="accountStatus")
    remark: str | None = None


class Acl(Wire):
    """One row: at most one for each (username, resource type, resource name)."""

    username: str
    resource_type: str = Field(alias="resourceType")
    resource_name: str = Field(alias="resourceName")
    decision: str
    actions: Actions = ()
    ip_whitelists: Texts = Field(default=(), alias="ipWhitelists")
    acl_type: str | None = Field(default=None, alias="aclType")


class InstanceEndpoint(Wire):
    """Where clients connect, as `host:port`."""

    endpoint_type: str = Field(default="", alias="endpointType")
    endpoint_url: str = Field(default="", alias="endpointUrl")


class NetworkDetails(Wire):
    """The part of an instance that clients need."""

    endpoints: Annotated[tuple[InstanceEndpoint, ...], BeforeValidator(_absent_is_empty)] = ()


class AclDetails(Wire):
    """How clients authenticate."""

    acl_types: Texts = Field(default=(), alias="aclTypes")
    default_vpc_auth_free: bool | None = Field(default=None, alias="defaultVpcAuthFree")


class Quota(Wire):
    """One quota of an instance."""

    name: str = Field(default="", alias="quotaName")
    total: float | None = Field(default=None, alias="totalCount")
    used: float | None = Field(default=None, alias="usedCount")


class Instance(Wire):
    """An instance."""

    instance_id: str = Field(alias="instanceId")
    instance_name: str | None = Field(default=None, alias="instanceName")
    status: str = ""
    acl: AclDetails | None = Field(default=None, alias="aclInfo")
    network: NetworkDetails | None = Field(default=None, alias="networkInfo")
    quotas: Annotated[tuple[Quota, ...], BeforeValidator(_absent_is_empty)] = Field(
        default=(), alias="instanceQuotas"
    )


class Topic(Wire):
    """A topic."""

    topic_name: str = Field(alias="topicName")
    message_type: str = Field(default="", alias="messageType")
    status: str = ""


class ConsumerGroup(Wire):
    """A consumer group."""

    consumer_group_id: str = Field(alias="consumerGroupId")
    status: str = ""


class Page(Wire, Generic[T]):
    """A part of a list."""

    items: Annotated[tuple[T, ...], BeforeValidator(_absent_is_empty)] = Field(alias="list")
    total: int | None = Field(default=None, alias="totalCount")

    @model_validator(mode="before")
    @classmethod
    def _empty_only_when_it_says_so(cls, value: object) -> object:
        """A list that is simply not there must not look like proof of absence."""
        says_none = isinstance(value, dict) and value.get("totalCount") == 0
        return {"list": [], **value} if isinstance(value, dict) and says_none else value


class Found(Answer, Generic[T]):
    """The answer to a read."""

    data: T | None = None


class Done(Answer):
    """The answer to a change; `data: false` is not a success."""

    data: bool | None = None

    @property
    def was_done(self) -> bool:
        return self.success is True and self.data is not False


def found(kind: type[T], /) -> type[Found[T]]:
    """The answer to a read of one object."""
    answer: type[Found[T]] = _named(Found, kind)
    return answer


def page_of(kind: type[T], /) -> type[Found[Page[T]]]:
    """The answer to a read of a list."""
    answer: type[Found[Page[T]]] = _named(Found, _named(Page, kind))
    return answer


@cache
def _named(generic: Any, kind: type) -> Any:  # noqa: ANN401  # a generic model and its parameter
    """Naming a generic model costs as much as reading one, so each is named once, when needed."""
    return generic[kind]
