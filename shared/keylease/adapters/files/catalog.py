"""The catalog in a file: targets, entitlements and standing accounts.

What reads it as people write it is loaded for that only: a start reads what a build compiled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.record import Value
from keylease.errors import Misconfigured

if TYPE_CHECKING:
    from keylease.policy.problem import Problem


class CompiledCatalog(Value):
    """A catalog that was read and found right."""

    targets: tuple[Target, ...]
    entitlements: tuple[Entitlement, ...]
    standing: tuple[StandingAccount, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class FileCatalog:
    """Keeps `ports.directory.Catalog`; read once, at the start."""

    targets_by_id: dict[str, Target]
    entitlements_by_id: dict[str, Entitlement]
    accounts: tuple[StandingAccount, ...]
    digest: str
    """Of what the file says, not of how it says it."""

    @classmethod
    def of(
        cls,
        *,
        targets: Iterable[Target],
        entitlements: Iterable[Entitlement],
        standing: Iterable[StandingAccount],
        digest: str,
    ) -> Self:
        """The catalog of these."""
        return cls(
            targets_by_id={target.id: target for target in targets},
            entitlements_by_id={entitlement.id: entitlement for entitlement in entitlements},
            accounts=tuple(standing),
            digest=digest,
        )

    @classmethod
    def from_json(cls, text: str | bytes, /) -> Self:
        """What `to_json` wrote; ValueError when it is something else."""
        found = CompiledCatalog.model_validate_json(text)
        return cls.of(
            targets=found.targets,
            entitlements=found.entitlements,
            standing=found.standing,
            digest=found.digest,
        )

    def to_json(self) -> str:
        """For a build: read faster, and without what reads YAML."""
        return CompiledCatalog(
            targets=self.targets(),
            entitlements=self.entitlements(),
            standing=self.accounts,
            digest=self.digest,
        ).model_dump_json()

    def target(self, id: str, /) -> Target | None:  # the port's word
        return self.targets_by_id.get(id)

    def targets(self) -> tuple[Target, ...]:
        return tuple(self.targets_by_id[id_] for id_ in sorted(self.targets_by_id))

    def entitlement(self, id: str, /) -> Entitlement | None:  # the port's word
        return self.entitlements_by_id.get(id)

    def entitlements(self) -> tuple[Entitlement, ...]:
        return tuple(self.entitlements_by_id[id_] for id_ in sorted(self.entitlements_by_id))

    def standing(self) -> tuple[StandingAccount, ...]:
        return self.accounts


def load_catalog(path: Path, /) -> FileCatalog:
    """The catalog of a file, compiled or not; `Misconfigured` with every mistake."""
    catalog, problems = read_catalog(path)
    if catalog is None:
        raise Misconfigured("\n".join(map(str, problems)))
    return catalog


def read_catalog(path: Path, /) -> "tuple[FileCatalog | None, tuple[Problem, ...]]":
    """The catalog, or every mistake because of which there is none."""
    if path.suffix == ".json":
        try:
            return FileCatalog.from_json(path.read_bytes()), ()
        except (OSError, ValueError):
            pass  # read as people write it: that says what is wrong
    from keylease.adapters.files.catalog_reading import read_written  # noqa: PLC0415  # see above

    return read_written(path)
