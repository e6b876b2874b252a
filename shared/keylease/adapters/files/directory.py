"""The directory in a file: people and workloads, their groups and their outside ids.

What reads it as people write it is loaded for that only: a start reads what a build compiled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from keylease.domain.people import ExternalId, Principal
from keylease.domain.record import Value
from keylease.errors import Misconfigured

if TYPE_CHECKING:
    from keylease.policy.problem import Problem


class CompiledDirectory(Value):
    """A directory that was read and found right."""

    principals: tuple[Principal, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class FileDirectory:
    """Keeps `ports.directory.Directory`; read once, at the start."""

    principals: dict[str, Principal]
    by_external_id: dict[ExternalId, Principal]
    by_group: dict[str, tuple[Principal, ...]]
    digest: str
    """Of what the file says, not of how it says it."""

    @classmethod
    def of(cls, given: Iterable[Principal], /, *, digest: str) -> Self:
        """The directory of these."""
        principals = {principal.id: principal for principal in given}
        by_group: dict[str, tuple[Principal, ...]] = {p.id: (p,) for p in principals.values()}
        for principal in principals.values():
            for group in principal.groups:
                by_group[group] = (*by_group.get(group, ()), principal)
        return cls(
            principals=principals,
            by_external_id={
                outside: principal
                for principal in principals.values()
                for outside in principal.addresses
            },
            by_group=by_group,
            digest=digest,
        )

    @classmethod
    def from_json(cls, text: str | bytes, /) -> Self:
        """What `to_json` wrote; ValueError when it is something else."""
        found = CompiledDirectory.model_validate_json(text)
        return cls.of(found.principals, digest=found.digest)

    def to_json(self) -> str:
        """For a build: read faster, and without what reads YAML."""
        principals = tuple(self.principals.values())
        return CompiledDirectory(principals=principals, digest=self.digest).model_dump_json()

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        return self.by_external_id.get(external)

    async def principal(self, id: str, /) -> Principal | None:  # the port's word
        return self.principals.get(id)

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        return self.by_group.get(group, ())


def load_directory(path: Path, /) -> FileDirectory:
    """The directory of a file, compiled or not; `Misconfigured` with every mistake."""
    directory, problems = read_directory(path)
    if directory is None:
        raise Misconfigured("\n".join(map(str, problems)))
    return directory


def read_directory(path: Path, /) -> "tuple[FileDirectory | None, tuple[Problem, ...]]":
    """The directory, or every mistake because of which there is none."""
    if path.suffix == ".json":
        try:
            return FileDirectory.from_json(path.read_bytes()), ()
        except (OSError, ValueError):
            pass  # read as people write it: that says what is wrong
    from keylease.adapters.files.directory_reading import read_written  # noqa: PLC0415  # see above

    return read_written(path)
