"""What a directory file says, as its author writes it."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from keylease.adapters.files.yaml_strict import Path_
from keylease.domain.people import ExternalId
from keylease.domain.record import Value

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]
Text = Annotated[str, Field(min_length=1)]


class SlackId(Value):
    """Slack's own ids, never names: `T0DEMO` and `U0REQ0001`."""

    team: str = Field(pattern=r"^[TE][A-Z0-9]+$")
    user: str = Field(pattern=r"^[UW][A-Z0-9]+$")


class TenantId(Value):
    """What a tenant calls somebody."""

    tenant: Text
    subject: Text


class Entry(Value):
    """A person or a workload."""

    name: str = ""
    groups: tuple[Id, ...] = ()
    slack: tuple[SlackId, ...] = ()
    webhook: tuple[TenantId, ...] = ()
    cloudevents: tuple[TenantId, ...] = ()
    cli: tuple[TenantId, ...] = ()

    @property
    def external_ids(self) -> Iterator[tuple[Path_, ExternalId]]:
        """Every outside id and the place where it stands."""
        for n, slack in enumerate(self.slack):
            yield ("slack", n), ExternalId(platform="slack", tenant=slack.team, subject=slack.user)
        for platform in ("webhook", "cloudevents", "cli"):
            given: tuple[TenantId, ...] = getattr(self, platform)
            for n, known in enumerate(given):
                outside = ExternalId(platform=platform, tenant=known.tenant, subject=known.subject)
                yield (platform, n), outside


class DirectoryFile(Value):
    """A directory file."""

    people: dict[Id, Entry] = Field(default_factory=dict)
    workloads: dict[Id, Entry] = Field(default_factory=dict)

    @property
    def entries(self) -> Iterator[tuple[str, str, Entry]]:
        """Section, id and entry of everybody."""
        for id_, entry in self.people.items():
            yield "people", id_, entry
        for id_, entry in self.workloads.items():
            yield "workloads", id_, entry
