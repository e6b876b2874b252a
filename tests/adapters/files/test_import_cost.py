"""A compiled policy is read without YAML."""

import subprocess
import sys
from pathlib import Path

from keylease.adapters.files.policy import load_policy
from tests.adapters.files.test_check import EXAMPLES

PROGRAM = """
import sys
from pathlib import Path
from keylease.adapters.files.policy import load_policy
print(len(load_policy(Path(sys.argv[1])).rules), "yaml" in sys.modules)
"""


def run(path: Path) -> str:
    command = [sys.executable, "-c", PROGRAM, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_compiled_policy_is_loaded_without_yaml(tmp_path: Path) -> None:
    compiled = tmp_path / "policy.json"
    compiled.write_text(load_policy(EXAMPLES).to_json())

    assert run(compiled) == "8 False"
    assert run(EXAMPLES) == "8 True"
