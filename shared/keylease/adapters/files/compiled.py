"""Compiles policy, catalog and directory to JSON, which a start reads faster and without PyYAML."""

from pathlib import Path

from keylease.adapters.files.catalog import load_catalog
from keylease.adapters.files.check import check_policy
from keylease.adapters.files.directory import load_directory
from keylease.adapters.files.policy import load_policy
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
        "catalog.json": load_catalog(catalog).to_json(),
        "directory.json": load_directory(directory).to_json(),
    }
