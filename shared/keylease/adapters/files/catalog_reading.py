"""Reads a catalog as its author writes it, and says what in it cannot be true."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from keylease.adapters.files.catalog import FileCatalog
from keylease.adapters.files.catalog_model import (
    CatalogFile,
    EntitlementEntry,
    StandingEntry,
    TargetEntry,
)
from keylease.adapters.files.reading import Reading, named_places, read_file
from keylease.adapters.files.yaml_strict import Path_
from keylease.domain.access import RESOURCES_OF, Entitlement, StandingAccount, Target
from keylease.policy.problem import Problem

_PLACES = {"targets": "target", "entitlements": "entitlement", "standing": "standing account"}


def read_written(path: Path, /) -> tuple[FileCatalog | None, tuple[Problem, ...]]:
    """The catalog, or every mistake because of which there is none."""
    reading = read_file(path, model=CatalogFile, naming=named_places(_PLACES))
    if reading.value is None:
        return None, reading.problems
    problems = tuple(_contradictions(reading.value, reading=reading))
    return (None if problems else _catalog(reading.value)), problems


def _catalog(file: CatalogFile) -> FileCatalog:
    return FileCatalog.of(
        targets=(_target(id_, entry) for id_, entry in file.targets.items()),
        entitlements=(_entitlement(id_, entry) for id_, entry in file.entitlements.items()),
        standing=(_standing(entry) for entry in file.standing),
        digest=hashlib.sha256(file.model_dump_json(by_alias=True).encode()).hexdigest(),
    )


def _target(id_: str, entry: TargetEntry, /) -> Target:
    return Target(
        id=id_,
        product=entry.product,
        instance_id=entry.instance,
        region=entry.region,
        labels=entry.labels,
        account_limit=entry.account_limit,
    )


def _entitlement(id_: str, entry: EntitlementEntry, /) -> Entitlement:
    return Entitlement(
        id=id_,
        title=entry.title,
        target=entry.target,
        permissions=tuple(given.permission for given in entry.permissions),
        account=entry.account,
    )


def _standing(entry: StandingEntry) -> StandingAccount:
    return StandingAccount(
        target=entry.target,
        username=entry.username,
        owner=entry.owner,
        rotation=None if entry.rotation is None else entry.rotation.schedule,
    )


def _contradictions(file: CatalogFile, *, reading: Reading[CatalogFile]) -> Iterator[Problem]:
    """What is well written and cannot be true."""
    for path, message in (
        *_same_instances(file),
        *_entitlement_flaws(file),
        *_standing_flaws(file),
    ):
        yield reading.problem(path, message=message, naming=named_places(_PLACES))


def _same_instances(file: CatalogFile) -> Iterator[tuple[Path_, str]]:
    # Two names for one instance would let two workers change one account at once.
    seen: dict[tuple[str, str], str] = {}
    for id_, entry in file.targets.items():
        first = seen.setdefault((entry.region, entry.instance), id_)
        if first != id_:
            message = f"{entry.instance} is also the instance of target {first}; remove one"
            yield ("targets", id_, "instance"), message


def _entitlement_flaws(file: CatalogFile) -> Iterator[tuple[Path_, str]]:
    accounts = {(account.target, account.username) for account in file.standing}
    for id_, entry in file.entitlements.items():
        here = ("entitlements", id_)
        if not entry.permissions:
            yield (*here, "permissions"), "is empty; name at least one"
        target = file.targets.get(entry.target)
        if target is None:
            yield (*here, "target"), _no_target(entry.target, file=file)
            continue
        for n, given in enumerate(entry.permissions):
            if given.kind not in RESOURCES_OF[target.product]:
                message = f"a {target.product} target has no {given.kind}"
                yield (*here, "permissions", n), message
        if entry.account is not None and (entry.target, entry.account) not in accounts:
            message = f"{entry.account} is no standing account of {entry.target}; add it there"
            yield (*here, "account"), message


def _standing_flaws(file: CatalogFile) -> Iterator[tuple[Path_, str]]:
    seen: dict[tuple[str, str], int] = {}
    for n, account in enumerate(file.standing):
        if account.target not in file.targets:
            yield ("standing", n, "target"), _no_target(account.target, file=file)
        if seen.setdefault((account.target, account.username), n) != n:
            message = f"{account.username} on {account.target} is listed twice; remove one"
            yield ("standing", n, "username"), message


def _no_target(name: str, *, file: CatalogFile) -> str:
    return f"no target {name}; known are {', '.join(sorted(file.targets)) or 'none'}"
