"""Compiles policy, catalog and directory to JSON, which a start reads faster and without PyYAML."""

import json
from pathlib import Path

from keylease.adapters.files.check import check_policy
from keylease.adapters.files.policy import load_policy
from keylease.adapters.files.yaml_strict import read_yaml
from keylease.errors import Misconfigured
from keylease.policy.problem import Level


def compiled(policy: Path, /, *, catalog: Path, directory: Path) -> dict[str, str]:
    """The texts of `policy.json`, `catalog.json` and `directory.json`, by these names.

    Raises:
        Misconfigured: with every mistake, one per line; a case that fails is one.
    """
    checked = check_policy(policy, catalog=catalog, directory=directory)
    if not checked.is_sound:
        errors = (one for one in checked.problems if one.level is Level.ERROR)
        raise Misconfigured("\n".join(map(str, errors)))
    return {
        "policy.json": load_policy(policy).to_json(),
        "catalog.json": _as_json(catalog),
        "directory.json": _as_json(directory),
    }


def _as_json(path: Path) -> str:
    """What the file says, in the same shape."""
    return json.dumps(read_yaml(path).value, ensure_ascii=False)
