"""What the README shows is true of the code."""

import json
import re
from pathlib import Path
from types import ModuleType

from keylease.adapters.alibaba import rocketmq, tair
from keylease.adapters.alibaba.client import Operation
from keylease.adapters.files.policy import load_policy
from keylease.domain.duration import parse_duration
from keylease.runtime.bundle import function_names

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RUNBOOKS = (ROOT / "infra/runbooks/README.md").read_text()


def test_the_first_policy_loads(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "policy.yaml"
    path.write_text(block)

    policy = load_policy(path)

    assert [placed.rule.name for placed in policy.rules] == [
        "orders-on-call",
        "orders-write",
        "nobody-writes-the-ledger",
    ]
    terms = policy.rules[1].rule.terms
    assert terms is not None
    assert terms.max_duration == parse_duration("4h")


def test_every_path_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests|infra|shared|functions)/[\w./-]+)`", README)
    links = re.findall(r"\]\(([\w./-]+)\)", README)

    assert named
    assert not [path for path in (*named, *links) if not (ROOT / path).exists()]


def test_the_picture_names_every_function() -> None:
    assert not [name for name in function_names() if name not in README.lower()]


def test_every_error_in_the_log_has_a_runbook() -> None:
    sources = [*ROOT.glob("shared/keylease/**/*.py"), *ROOT.glob("functions/**/*.py")]
    pattern = re.compile(r"log\.(?:error|exception)\(\s*\"([\w.]+)\"")
    logged = {event for path in sources for event in pattern.findall(path.read_text())}

    assert logged
    assert not [event for event in sorted(logged) if f"`{event}`" not in RUNBOOKS]


def test_the_ram_policy_allows_what_is_called_and_no_more() -> None:
    document = json.loads((ROOT / "infra/ram/keylease-policy.json").read_text())
    allowed = {action for one in document["Statement"] for action in one["Action"]}

    called = {f"rocketmq:{name}" for name in operations(rocketmq)} | {
        f"kvstore:{name}" for name in operations(tair)
    }
    # Typed, but called by nothing: the first answers passwords.
    unused = {"rocketmq:GetInstanceAccount", "kvstore:ModifyAccountDescription"}
    assert allowed == called - unused


def operations(module: ModuleType) -> set[str]:
    return {one.action for one in vars(module).values() if isinstance(one, Operation)}
