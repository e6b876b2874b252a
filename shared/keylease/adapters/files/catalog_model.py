"""What a catalog file says, as its author writes it."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from keylease.domain.access import ACTIONS_OF, Action, Permission, Product, ResourceType
from keylease.domain.duration import Duration, format_duration
from keylease.domain.record import Value
from keylease.domain.schedule import Schedule

_DAY = timedelta(days=1)


def _cidr(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as e:
        msg = f"{text!r} is no address block ({e}); write it like 10.0.0.0/8"
        raise ValueError(msg) from e
    return text


Cidr = Annotated[str, AfterValidator(_cidr)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""No slash: account ids are `target/username`."""
ResourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9%|._-]{1,128}$")]


class TargetEntry(Value):
    """One protected instance."""

    product: Product
    instance: str = Field(min_length=1)
    """Its id at the cloud."""
    region: str = Field(min_length=1)
    labels: dict[str, str] = Field(default_factory=dict)
    account_limit: int | None = Field(default=None, ge=1)
    """Accounts that keylease may hold there at once."""


class PermissionEntry(Value):
    """Exactly one of topic, group and cache, with its actions."""

    topic: ResourceName | None = None
    group: ResourceName | None = None
    cache: bool = False
    actions: tuple[Action, ...]
    addresses: tuple[Cidr, ...] = Field(default=(), alias="from")

    @model_validator(mode="after")
    def _one_resource(self) -> Self:
        if (self.topic is not None) + (self.group is not None) + self.cache != 1:
            msg = "name one of topic, group or cache: true"
            raise ValueError(msg)
        if not self.actions:
            msg = "actions: is empty; name at least one"
            raise ValueError(msg)
        if wrong := sorted(set(self.actions) - ACTIONS_OF[self.kind]):
            msg = f"actions: {wrong[0]} is no action of a {self.kind}"
            raise ValueError(msg)
        if self.cache and self.addresses:
            msg = "from: a cache account cannot be limited to addresses; remove it"
            raise ValueError(msg)
        return self

    @property
    def kind(self) -> ResourceType:
        if self.cache:
            return ResourceType.CACHE
        return ResourceType.GROUP if self.topic is None else ResourceType.TOPIC

    @property
    def permission(self) -> Permission:
        return Permission(
            resource=self.kind,
            name=self.topic or self.group or "*",
            actions=frozenset(self.actions),
            whitelist=frozenset(self.addresses),
        )


class EntitlementEntry(Value):
    """A bundle of permissions that people ask for by name."""

    title: str = ""
    target: Name
    permissions: tuple[PermissionEntry, ...]
    account: Name | None = None
    """Username of the standing account that receives it; without it a dedicated one is made."""


class RotationEntry(Value):
    """Either `every` with `jitter`, or `cron` with `time_zone`."""

    every: Duration | None = None
    jitter: Duration | None = None
    cron: str | None = None
    time_zone: str | None = None

    @property
    def schedule(self) -> Schedule:
        """ValueError when it is none."""
        if self.every is not None and self.every % _DAY:
            msg = f"every: {format_duration(self.every)} is not a number of whole days"
            raise ValueError(msg)
        if self.cron is None and self.time_zone is not None:
            msg = "time_zone: belongs to cron; remove it"
            raise ValueError(msg)
        if self.every is None and self.jitter is not None:
            msg = "jitter: belongs to every; remove it"
            raise ValueError(msg)
        return Schedule(
            cron=self.cron,
            time_zone=self.time_zone or "UTC",
            every_days=None if self.every is None else self.every // _DAY,
            jitter=self.jitter or timedelta(0),
        )

    @model_validator(mode="after")
    def _is_a_schedule(self) -> Self:
        try:
            _ = self.schedule
        except ValidationError as e:
            raise ValueError(e.errors()[0]["msg"].removeprefix("Value error, ")) from e
        return self


class StandingEntry(Value):
    """A service's own account."""

    target: Name
    username: Name
    owner: str = Field(min_length=1)
    """The principal who claims each new password."""
    rotation: RotationEntry | None = None


class CatalogFile(Value):
    """A catalog file."""

    targets: dict[Name, TargetEntry]
    entitlements: dict[Name, EntitlementEntry] = Field(default_factory=dict)
    standing: tuple[StandingEntry, ...] = ()
