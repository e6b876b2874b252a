"""Reads a directory as its author writes it, and says which ids in it would stand for two."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from keylease.adapters.files.directory import FileDirectory
from keylease.adapters.files.directory_model import DirectoryFile, Entry
from keylease.adapters.files.reading import Reading, named_places, read_file
from keylease.adapters.files.yaml_strict import Path_
from keylease.domain.people import ExternalId, Principal
from keylease.policy.problem import Problem

_PLACES = {"people": "person", "workloads": "workload"}


def read_written(path: Path, /) -> tuple[FileDirectory | None, tuple[Problem, ...]]:
    """The directory, or every mistake because of which there is none."""
    reading = read_file(path, model=DirectoryFile, naming=named_places(_PLACES))
    if reading.value is None:
        return None, reading.problems
    problems = tuple(_contradictions(reading.value, reading=reading))
    return (None if problems else _directory(reading.value)), problems


def _directory(file: DirectoryFile) -> FileDirectory:
    return FileDirectory.of(
        (_principal(id_, entry, section) for section, id_, entry in file.entries),
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
