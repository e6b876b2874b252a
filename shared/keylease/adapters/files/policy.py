"""Policies in files: YAML as people write it, JSON as a build compiled it."""

from pathlib import Path
from typing import TYPE_CHECKING

from keylease.domain.decision import RuleRef
from keylease.errors import Misconfigured
from keylease.policy.evaluate import Policy
from keylease.policy.model import PlacedRule, RuleFile
from keylease.policy.problem import Problem

if TYPE_CHECKING:
    from keylease.adapters.files.reading import Reading
    from keylease.adapters.files.yaml_strict import Document, Path_

_NOT_POLICIES = ("catalog.yaml", "directory.yaml")


def load_policy(path: Path, /) -> Policy:
    """The policy of a YAML file, a folder of them, or a compiled `.json`.

    Raises `Misconfigured` with every mistake, one per line.
    """
    policy, problems = read_policy(path)
    if policy is None:
        raise Misconfigured("\n".join(map(str, problems)))
    return policy


def read_policy(path: Path, /) -> tuple[Policy | None, tuple[Problem, ...]]:
    """The policy, or every mistake because of which there is none."""
    if path.suffix == ".json":
        return _read_json(path)
    files = policy_files(path)
    if not files:
        return None, (_whole(path, "holds no policy file; add one such as policy.yaml"),)
    return read_policies(files)


def read_policies(files: tuple[Path, ...], /) -> tuple[Policy | None, tuple[Problem, ...]]:
    """The policy of several YAML files of one folder, in this order."""
    from keylease.adapters.files.reading import read_file  # noqa: PLC0415  # a compiled one needs none of it

    readings = [read_file(file, model=RuleFile, naming=name_place) for file in files]
    rules = [placed for reading in readings for placed in _placed(reading)]
    problems = [problem for reading in readings for problem in reading.problems]
    problems += _twice(rules, folder=files[0].parent)
    return (None if problems else Policy(rules)), tuple(problems)


def policy_files(path: Path, /) -> tuple[Path, ...]:
    """The files of a policy, in the order in which their rules count."""
    if not path.is_dir():
        return (path,)
    found = sorted(path.glob("*.yaml"))
    return tuple(
        file
        for file in found
        if file.name not in _NOT_POLICIES and not file.name.endswith(".cases.yaml")
    )


def name_place(document: "Document", path: "Path_", /) -> "tuple[str, Path_]":
    """`rule orders-on-call` and the path inside of it."""
    match path:
        case ("rules", int(number), *rest):
            rules = document.value["rules"] if isinstance(document.value, dict) else None
            rule = rules[number] if isinstance(rules, list) and number < len(rules) else None
            name = rule.get("name") if isinstance(rule, dict) else None
            return f"rule {name or number + 1}", tuple(rest)
        case _:
            return "", path


def _read_json(path: Path) -> tuple[Policy | None, tuple[Problem, ...]]:
    try:
        return Policy.from_json(path.read_bytes()), ()
    except OSError as e:
        return None, (_whole(path, f"cannot be read ({e.strerror}); give the path of a policy"),)
    except ValueError as e:  # pydantic's ValidationError is one
        first = str(e).splitlines()[0]
        return None, (_whole(path, f"is no compiled policy ({first}); compile it again"),)


def _placed(reading: "Reading[RuleFile]") -> list[PlacedRule]:
    if reading.value is None or reading.document is None:
        return []
    lines = reading.document
    return [
        PlacedRule(
            rule=rule,
            ref=RuleRef(name=rule.name, file=reading.file.name, line=lines.line(("rules", n))),
        )
        for n, rule in enumerate(reading.value.rules)
    ]


def _twice(rules: list[PlacedRule], *, folder: Path) -> list[Problem]:
    seen: dict[str, RuleRef] = {}
    problems = []
    for placed in rules:
        first = seen.setdefault(placed.rule.name, placed.ref)
        if first is not placed.ref:
            message = f"is also the name of the rule at {first.file}:{first.line}; rename one"
            problems.append(_at(placed, folder=folder, field="name", message=message))
    return problems


def _at(placed: PlacedRule, *, folder: Path, field: str, message: str) -> Problem:
    return Problem(
        file=str(folder / placed.ref.file),
        line=placed.ref.line,
        where=f"rule {placed.rule.name}",
        field=field,
        message=message,
    )


def _whole(path: Path, message: str) -> Problem:
    return Problem(file=str(path), line=1, where="", field="", message=message)
