"""The check of deployment files passes on ours, and finds each kind of mistake."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.tree import ROOT

INFRA = ROOT / "infra"
FOLDERS = ("container", "kubernetes", "terraform")

MISTAKES = [
    ("kubernetes/worker.yaml", "replicas: 2", "replica: 2", ".spec.replica: unknown field"),
    ("kubernetes/worker.yaml", "replicas: 2", "replicas: two", ".spec.replicas"),
    ("kubernetes/worker.yaml", "runAsNonRoot", "runAsNoRoot", ".runAsNoRoot: unknown field"),
    ("kubernetes/keda.yaml", "maxReplicaCount", "maxReplicas", ".spec.maxReplicas: unknown"),
    ("kubernetes/keda.yaml", "keda.sh/v1alpha1", "keda.sh/v2", "no model for this apiVersion"),
    ("kubernetes/knative.yaml", "timeoutSeconds", "timeoutSecond", "timeoutSecond: unknown"),
    ("kubernetes/knative.yaml", "backoffDelay", "backoffdelay", "backoffdelay: unknown field"),
    ("container/compose.yaml", "healthcheck:", "healthchecks:", "healthchecks"),
    ("container/Dockerfile", "WORKDIR /var/lib", "WORKDIR var/lib", "DL3000"),
    ("terraform/queues.tf", "event_bus_name = var.name", "event_bus_name=var.name", "fmt"),
    ("s.yaml", "memorySize: 512", "memorySize: 500", "s.yaml: intake.memorySize: 500"),
    ("terraform/outputs.tf", "  description =", "  # described:", "environment has no description"),
    ("terraform/roles.tf", '"alicloud_ram_policy" "functions"', '"alicloud_ram_policy" {', "fmt"),
]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("infra_check", INFRA / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in FOLDERS:
        shutil.copytree(INFRA / name, tmp_path / name)
    shutil.copyfile(INFRA / "s.yaml", tmp_path / "s.yaml")
    return tmp_path


def test_the_deployment_files_are_sound(check: ModuleType) -> None:
    assert list(check.problems(INFRA)) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[2])
def test_a_mistake_is_found(
    check: ModuleType, copied: Path, mistake: tuple[str, str, str, str]
) -> None:
    name, right, wrong, said = mistake
    path = copied / name
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))

    assert said in "\n".join(check.problems(copied))


def test_the_role_may_do_what_the_published_policy_says_and_no_more() -> None:
    text = (INFRA / "terraform" / "roles.tf").read_text()

    assert "../ram/keylease-policy.json" in text
    assert '"rocketmq:' not in text
    assert '"kvstore:' not in text
