"""Numbered, forward-only migrations, which every store in a database keeps alike.

What was applied is known by its checksum.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keylease.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @classmethod
    def read(cls, path: Path, /) -> Self:
        """The migration in that file."""
        number, _, name = path.stem.partition("_")
        return cls(number=int(number), name=name, sql=path.read_text(encoding="utf-8"))

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path, /) -> tuple[Migration, ...]:
    """All that this version of keylease knows, in order."""
    return tuple(Migration.read(path) for path in sorted(folder.glob("*.sql")))


def missing(
    applied: Mapping[int, str], /, *, known: tuple[Migration, ...]
) -> tuple[Migration, ...]:
    """What is still to be applied to a database that holds these checksums by number.

    Raises:
        Misconfigured: the database is newer than this program, or not what the files say.
    """
    newest = max((migration.number for migration in known), default=0)
    reached = max(applied, default=0)
    if reached > newest:
        msg = (
            f"the database has schema {reached} and this keylease knows only {newest}: start the "
            "newer keylease again, or restore the backup that was made before the upgrade"
        )
        raise Misconfigured(msg)
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            msg = (
                f"migration {migration.number:04}_{migration.name} differs from the one that made "
                "this database: install an unchanged keylease; a change needs a new migration"
            )
            raise Misconfigured(msg)
    return tuple(migration for migration in known if migration.number not in applied)
