"""The RAM policy allows what the adapter calls, and nothing else."""

import ast
import json
from typing import Any

from keylease.adapters.alibaba import rocketmq, tair
from keylease.adapters.alibaba.client import Operation
from tests.support.tree import LIBRARY, ROOT

ADAPTER = LIBRARY / "adapters" / "alibaba"
POLICY = ROOT / "infra" / "ram" / "keylease-policy.json"
RAM_NAMES = {"rocketmq": "rocketmq", "r-kvstore": "kvstore"}
CLIENTS = ((rocketmq, "rocketmq.py", "RocketMq"), (tair, "tair.py", "Tair"))
CALLERS = ("accounts_rocketmq.py", "accounts_redis.py")


def statements() -> list[dict[str, Any]]:
    policy = json.loads(POLICY.read_text())
    assert policy["Version"] == "1"
    return list(policy["Statement"])


def called_methods() -> set[str]:
    """Every method that the port's adapters name on a client."""
    trees = (ast.parse((ADAPTER / name).read_text()) for name in CALLERS)
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def operations(module: Any, file: str, client: str) -> dict[str, set[str]]:
    """RAM's names of the operations of each method of a client."""
    tree = ast.parse((ADAPTER / file).read_text())
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == client).body
    methods = [n for n in body if isinstance(n, ast.AsyncFunctionDef)]
    found: dict[str, set[str]] = {}
    for method in methods:
        names = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
        used = [one for name in names if isinstance(one := getattr(module, name, 0), Operation)]
        found[method.name] = {f"{RAM_NAMES[one.product]}:{one.action}" for one in used}
    return found


def needed() -> set[str]:
    called = called_methods()
    return {
        action
        for module, file, client in CLIENTS
        for method, actions in operations(module, file, client).items()
        if method in called
        for action in actions
    }


def test_the_policy_allows_exactly_what_normal_work_calls() -> None:
    allowed = [action for statement in statements() for action in statement["Action"]]

    assert sorted(allowed) == sorted(needed())
    assert len(allowed) == 18


def test_the_policy_shows_nobody_a_password() -> None:
    text = POLICY.read_text()

    assert "GetInstanceAccount" not in text
    assert "ModifyAccountPassword" not in text


def test_the_policy_is_about_named_instances_only() -> None:
    for statement in statements():
        given = statement["Resource"]
        resources = [given] if isinstance(given, str) else given
        product = statement["Action"][0].partition(":")[0]

        assert statement["Effect"] == "Allow"
        assert all(action.startswith(f"{product}:") for action in statement["Action"])
        for resource in resources:
            head = f"acs:{product}:<region>:<account>:instance/<"
            assert resource.startswith(head)
            assert resource.endswith((">", ">/*"))
