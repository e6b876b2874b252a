"""What a build compiled is read without YAML, and without what knows how people write it."""

import subprocess
import sys
from pathlib import Path

import pytest

from keylease.adapters.files.compiled import compiled
from tests.adapters.files.test_check import EXAMPLES

WRITTEN = ("yaml", "keylease.adapters.files.reading", "keylease.adapters.files.yaml_strict")
PROGRAM = """
import sys
from pathlib import Path
from keylease.adapters.files.{name} import load_{name}
load_{name}(Path(sys.argv[1]))
print(*[one for one in sys.argv[2:] if one in sys.modules])
"""


def loaded(name: str, path: Path) -> str:
    """Which of the expensive modules reading this file has loaded."""
    command = [sys.executable, "-c", PROGRAM.format(name=name), str(path), *WRITTEN]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("name", ["policy", "catalog", "directory"])
def test_what_is_compiled_is_loaded_without_yaml(name: str, tmp_path: Path) -> None:
    yaml = {each: EXAMPLES / f"{each}.yaml" for each in ("catalog", "directory")}
    texts = compiled(EXAMPLES, catalog=yaml["catalog"], directory=yaml["directory"])
    (tmp_path / f"{name}.json").write_text(texts[f"{name}.json"])

    assert loaded(name, tmp_path / f"{name}.json") == ""
    assert loaded(name, yaml.get(name, EXAMPLES)) == " ".join(WRITTEN)


@pytest.mark.parametrize("name", ["catalog", "directory"])
def test_json_in_the_shape_that_people_write_is_read_as_well(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.json"
    path.write_text('{"targets": {}}' if name == "catalog" else '{"people": {}}')

    assert loaded(name, path) == " ".join(WRITTEN[1:])
