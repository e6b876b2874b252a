"""The directory in a file: people and workloads, their groups and their outside ids."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from keylease.adapters.files.reading import Reading, named_places, read_file
from keylease.adapters.files.yaml_strict import Path_
from keylease.domain.people import ExternalId, Principal
from keylease.domain.record import Value
from keylease.errors import Misconfigured
from keylease.policy.problem import Problem

_PLACES = {"people": "person", "workloads": "workload"}
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


@dataclass(frozen=True, slots=True)
class FileDirectory:
    """Keeps `ports.directory.Directory`; read once, at the start."""

    principals: dict[str, Principal]
    by_external_id: dict[ExternalId, Principal]
    by_group: dict[str, tuple[Principal, ...]]
    digest: str
    """Of what the file says, not of how it says it."""

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        return self.by_external_id.get(external)

    async def principal(self, id: str, /) -> Principal | None:  # the port's word
        return self.principals.get(id)

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        return self.by_group.get(group, ())


def load_directory(path: Path, /) -> FileDirectory:
    """The directory of a YAML or JSON file; `Misconfigured` with every mistake, one per line."""
    directory, problems = read_directory(path)
    if directory is None:
        raise Misconfigured("\n".join(map(str, problems)))
    return directory


def read_directory(path: Path, /) -> tuple[FileDirectory | None, tuple[Problem, ...]]:
    """The directory, or every mistake because of which there is none."""
    reading = read_file(path, model=DirectoryFile, naming=named_places(_PLACES))
    if reading.value is None:
        return None, reading.problems
    problems = tuple(_contradictions(reading.value, reading=reading))
    return (None if problems else _directory(reading.value)), problems


def _directory(file: DirectoryFile) -> FileDirectory:
    principals = {id_: _principal(id_, entry, section) for section, id_, entry in file.entries}
    by_group: dict[str, tuple[Principal, ...]] = {p.id: (p,) for p in principals.values()}
    for principal in principals.values():
        for group in principal.groups:
            by_group[group] = (*by_group.get(group, ()), principal)
    return FileDirectory(
        principals=principals,
        by_external_id={
            outside: principal
            for principal in principals.values()
            for outside in principal.addresses
        },
        by_group=by_group,
        digest=hashlib.sha256(file.model_dump_json().encode()).hexdigest(),
    )


def _principal(id_: str, entry: Entry, section: str, /) -> Principal:
    return Principal(
        id=id_,
        name=entry.name or id_,
        groups=frozenset(entry.groups),
        is_workload=section == "workloads",
        addresses=tuple(outside for _, outside in entry.external_ids),
    )


def _contradictions(file: DirectoryFile, *, reading: Reading[DirectoryFile]) -> Iterator[Problem]:
    """Ids that would stand for two."""
    for path, message in (*_same_ids(file), *_same_external_ids(file), *_groups_like_people(file)):
        yield reading.problem(path, message=message, naming=named_places(_PLACES))


def _same_ids(file: DirectoryFile) -> Iterator[tuple[Path_, str]]:
    for id_ in sorted(set(file.people) & set(file.workloads)):
        yield ("workloads", id_), "is also the id of a person; rename one"


def _same_external_ids(file: DirectoryFile) -> Iterator[tuple[Path_, str]]:
    seen: dict[ExternalId, str] = {}
    for section, id_, entry in file.entries:
        for path, outside in entry.external_ids:
            first = seen.setdefault(outside, id_)
            if first != id_:
                message = f"{outside} is also an id of {first}; one outside id is one principal"
                yield (section, id_, *path), message


def _groups_like_people(file: DirectoryFile) -> Iterator[tuple[Path_, str]]:
    # A rule's `from` names groups and principals alike, so one name must not be both.
    ids = {*file.people, *file.workloads}
    for section, id_, entry in file.entries:
        for n, group in enumerate(entry.groups):
            if group in ids:
                yield (section, id_, "groups", n), f"{group} is the id of a principal; rename it"
