"""Checks everything that a set of files says: policy, catalog, directory and cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keylease.adapters.files.catalog import read_catalog
from keylease.adapters.files.directory import read_directory
from keylease.adapters.files.policy import read_policies, read_policy
from keylease.adapters.files.reading import Reading, named_places, read_file
from keylease.policy.cases import CaseFile, failures
from keylease.policy.evaluate import Policy
from keylease.policy.lint import lint
from keylease.policy.problem import Level, Problem
from keylease.policy.world import World

_CASES = named_places({"cases": "case"})


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check looked at, and what it found."""

    problems: tuple[Problem, ...]
    rules: int
    cases: int

    @property
    def is_sound(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return all(problem.level is not Level.ERROR for problem in self.problems)


def check_policy(
    path: Path, /, *, catalog: Path | None = None, directory: Path | None = None
) -> Checked:
    """Everything that is wrong with a policy, a file or a folder.

    Catalog and directory are taken from beside it when they are there and not given. Every
    `*.cases.yaml` that belongs to it is run.
    """
    folder = path if path.is_dir() else path.parent
    policy, problems = read_policy(path)
    world, wrong = load_world(
        catalog=catalog or _if_there(folder / "catalog.yaml"),
        directory=directory or _if_there(folder / "directory.yaml"),
    )
    found = [*problems, *wrong]
    if policy is not None:
        found += _warnings(policy, folder=folder, world=world)
    runs = [_run(file, catalog=catalog, directory=directory) for file in _case_files(path)]
    found += [failure for _, failures_ in runs for failure in failures_]
    return Checked(
        tuple(found),
        rules=len(policy.rules) if policy else 0,
        cases=sum(count for count, _ in runs),
    )


def load_world(
    *, catalog: Path | None, directory: Path | None
) -> tuple[World | None, tuple[Problem, ...]]:
    """Both files as plain values; None when one of them is not given or has mistakes."""
    targets, wrong = read_catalog(catalog) if catalog else (None, ())
    people, also_wrong = read_directory(directory) if directory else (None, ())
    problems = (*wrong, *also_wrong)
    if targets is None or people is None:
        return None, problems
    world = World(
        targets=targets.targets_by_id,
        entitlements=targets.entitlements_by_id,
        standing=targets.accounts,
        principals=people.principals,
    )
    return world, (*problems, *_owners(world, file=catalog))


def _owners(world: World, *, file: Path | None) -> Iterator[Problem]:
    for account in world.standing:
        if account.owner not in world.principals:
            yield Problem(
                file=str(file),
                line=1,
                where=f"standing account {account.id}",
                field="owner",
                message=f"{account.owner} is not in the directory",
                level=Level.WARNING,
            )


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None


def _warnings(policy: Policy, *, folder: Path, world: World | None) -> Iterator[Problem]:
    for placed, field, message in lint(policy.rules, world=world):
        yield Problem(
            file=str(folder / placed.ref.file),
            line=placed.ref.line,
            where=f"rule {placed.rule.name}",
            field=field,
            message=message,
            level=Level.WARNING,
        )


def _case_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.cases.yaml"))
    beside = path.with_name(f"{path.name.removesuffix('.yaml')}.cases.yaml")
    return [beside] if beside.exists() else []


def _run(file: Path, *, catalog: Path | None, directory: Path | None) -> tuple[int, list[Problem]]:
    """Run the cases of one file, on the files that were given or else on those that it names."""
    reading = read_file(file, model=CaseFile, naming=_CASES)
    cases = reading.value
    if cases is None:
        return 0, [*reading.problems]
    names = cases.policy or (file.name.replace(".cases.yaml", ".yaml"),)
    policy, problems = read_policies(tuple(file.parent / name for name in names))
    world, mistakes = load_world(
        catalog=catalog or file.parent / cases.catalog,
        directory=directory or file.parent / cases.directory,
    )
    if policy is None or world is None:
        return 0, [*problems, *mistakes]
    return len(cases.cases), list(_failed(cases, reading=reading, policy=policy, world=world))


def _failed(
    cases: CaseFile, *, reading: Reading[CaseFile], policy: Policy, world: World
) -> Iterator[Problem]:
    for number, case in enumerate(cases.cases):
        for failure in failures(case, policy=policy, world=world):
            yield reading.problem(
                ("cases", number), message=f"{case.name}: {failure}", naming=_CASES
            )
