"""Check s.yaml offline: names, types, ranges, and whether it fits the code and Terraform.

The official SDK's models take every function, trigger and configuration and give it back: what a
model drops, the service does not know. References are filled in as Serverless Devs does it, from
stand-ins for what the deploying shell has.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from alibabacloud_fc20230330 import models
from pydantic import ValidationError

from infra.fc_queues import fits_terraform, served
from infra.fc_ranges import (
    CONFIGS,
    DOMAIN,
    FUNCTION,
    TRIGGER,
    cpu_for_memory,
    outside,
    variables_outside,
)
from infra.package import entry_module
from infra.roundtrip import lost
from keylease.runtime.bundle import function_names
from keylease.runtime.overlay import PREFIX, SEPARATOR, overlaid
from keylease.runtime.references import Context
from keylease.runtime.settings import PATH_VARIABLE, Settings

STAND_INS = {
    "KEYLEASE_NAME": "keylease",
    "KEYLEASE_REGION": "cn-hangzhou",
    "KEYLEASE_ACCOUNT": "1234567890123456",
    "KEYLEASE_VPC": "vpc-bp1aevy8sofi8mh1q0000",
    "KEYLEASE_VSWITCH_1": "vsw-bp1aevy8sofi8mh1q0001",
    "KEYLEASE_VSWITCH_2": "vsw-bp1aevy8sofi8mh1q0002",
    "KEYLEASE_SECURITY_GROUP": "sg-bp1aevy8sofi8mh1q000",
    "KEYLEASE_LOG_PROJECT": "keylease-1234567890123456",
    "KEYLEASE_LOG_STORE": "functions",
    "KEYLEASE_ROLE": "acs:ram::1234567890123456:role/keylease-functions",
    "KEYLEASE_ENTRANCE_ROLE": "acs:ram::1234567890123456:role/keylease-entrances",
    "KEYLEASE_EVENT_BUS": "keylease",
    "KEYLEASE_PUBLIC_URL": "https://keylease.example.com",
    "KEYLEASE_DOMAIN": "keylease.example.com",
}
"""What the deploying shell has from Terraform's output `environment`, as it may look."""
YOURS = {
    "KEYLEASE_LAYER": "acs:fc:cn-hangzhou:1234567890123456:layers/keylease/versions/1",
    "KEYLEASE_STORE": "postgresql://keylease@pgm-bp1.pg.rds.aliyuncs.com/keylease?sslmode=require",
    "KEYLEASE_POSTGRES_PASSWORD": "p" * 32,
    "KEYLEASE_CERTIFICATE": "keylease.pem",
    "KEYLEASE_CERTIFICATE_KEY": "keylease.key",
    "SEALING_K1": "A" * 43 + "=",
    "SLACK_SIGNING_SECRET": "s" * 32,
    "SLACK_BOT_TOKEN": "xoxb-" + "t" * 52,
}
"""What it has from the deployer."""
OF_FC3 = frozenset({"region", "code", "triggers", "asyncInvokeConfig", "concurrencyConfig"})
"""What the component takes beside the function itself."""
MODELS = {
    "http": models.HTTPTriggerConfig,
    "timer": models.TimerTriggerConfig,
    "eventbridge": models.EventBridgeTriggerConfig,
}
PLAIN = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}
CALLED_BY = (("intake", "http"), ("intake", "eventbridge"), ("claim", "http"), ("sweep", "timer"))
"""What calls a function beside result events."""
INSTANCES = 300
"""On demand in one region, unless it was raised."""

Document = dict[str, Any]


def problems(folder: Path, /) -> Iterator[str]:
    """Everything wrong with s.yaml in a folder of the shape of this one."""
    try:
        document = filled(yaml.safe_load((folder / "s.yaml").read_text()))
    except (KeyError, yaml.YAMLError) as e:
        yield f"s.yaml: {e.args[0]}"
        return
    resources: dict[str, Document] = document["resources"]
    parts = {
        kind: {name: one["props"] for name, one in resources.items() if one["component"] == kind}
        for kind in ("fc3", "fc3-domain")
    }
    functions = parts["fc3"]
    for name, props in functions.items():
        yield from (f"s.yaml: {name}.{fault}" for fault in _function(props))
    for name, props in parts["fc3-domain"].items():
        yield from (f"s.yaml: {name}.{fault}" for fault in _domain(props, functions))
    yield from (f"s.yaml: {fault}" for fault in _whole(functions))
    yield from fits_terraform(folder / "terraform", functions)
    outputs = (folder / "terraform" / "outputs.tf").read_text()
    said = set(re.findall(r"^ +(\w+) += ", outputs, re.MULTILINE))
    for name in sorted(STAND_INS.keys() - said):
        yield f"terraform/outputs.tf: environment has no {name}, which s.yaml asks for"


def filled(document: Any, /) -> Any:  # noqa: ANN401  # any YAML
    """The document with its references replaced, as `s preview` gives it.

    Raises:
        KeyError: a reference means nothing; says which.
    """
    known = STAND_INS | YOURS

    def look(reference: str) -> str:
        variable = re.fullmatch(r"env\('(\w+)'\)", reference)
        if variable:
            if variable[1] not in known:
                msg = f"{variable[1]}: has no stand-in in infra/check_fc.py"
                raise KeyError(msg)
            return known[variable[1]]
        found = document
        for part in reference.split("."):
            if not isinstance(found, dict) or part not in found:
                msg = f"${{{reference}}}: means nothing"
                raise KeyError(msg)
            found = found[part]
        return str(fill(found))

    def fill(node: Any) -> Any:  # noqa: ANN401  # as above
        if isinstance(node, dict):
            return {name: fill(value) for name, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        if isinstance(node, str):
            return re.sub(r"\$\{([^}]+)\}", lambda match: look(match[1]), node)
        return node

    return fill(document)


def _function(props: Document, /) -> Iterator[str]:
    known = {key: value for key, value in props.items() if key not in OF_FC3}
    yield from _known(models.CreateFunctionInput, known)
    asynchronous = props.get("asyncInvokeConfig", {})
    yield from _known(models.PutAsyncInvokeConfigInput, asynchronous, where="asyncInvokeConfig")
    reserved = props.get("concurrencyConfig", {})
    yield from _known(models.PutConcurrencyInput, reserved, where="concurrencyConfig")
    yield from outside({k: v for k, v in props.items() if k != "triggers"}, FUNCTION)
    variables = props.get("environmentVariables", {})
    yield from (f"environmentVariables.{fault}" for fault in variables_outside(variables))
    yield from _sized(props)
    yield from _entrances(props)
    yield from (f"environmentVariables.{fault}" for fault in _settings(variables))
    for trigger in props.get("triggers", []):
        where = f"triggers.{trigger.get('triggerName')}"
        yield from (f"{where}.{fault}" for fault in _trigger(trigger))


def _known(model: Any, given: Document, /, *, where: str = "") -> Iterator[str]:  # noqa: ANN401  # SDK
    """Names that the model does not know, and values of another type."""
    start = f"{where}." if where else ""
    try:
        read = model().from_map(given)
    except (AttributeError, TypeError):
        yield f"{start}: has not the shape of {model.__name__}"
        return
    for path in lost(given, read.to_map()):
        yield f"{start}{path.removeprefix('.')}: {model.__name__} does not know it"
    yield from (f"{start}{fault}" for fault in _mistyped(read))


def _mistyped(read: Any, /) -> Iterator[str]:  # noqa: ANN401  # as above
    for name, parameter in inspect.signature(type(read).__init__).parameters.items():
        value = getattr(read, name, None)
        kinds = PLAIN.get(str(parameter.annotation))
        if hasattr(value, "to_map"):
            yield from (f"{name}.{fault}" for fault in _mistyped(value))
        elif value is not None and kinds and type(value) not in kinds:
            yield f"{name}: {value!r} is no {parameter.annotation}"


def _sized(props: Document, /) -> Iterator[str]:
    cpu, memory = props.get("cpu"), props.get("memorySize")
    if isinstance(cpu, int | float) and isinstance(memory, int | float):
        said = cpu_for_memory(cpu, memory=memory)
        if said:
            yield f"cpu: {cpu} {said}"
    if len(props.get("layers", [])) != 1:
        yield "layers: there is one, of the same `make package` as the code"


def _entrances(props: Document, /) -> Iterator[str]:
    """Handler and hooks are of one function, and the bundle has them."""
    name = served(props)
    hooks = props.get("instanceLifecycleConfig", {})
    found = {
        "handler": (props.get("handler"), name),
        "initializer": (hooks.get("initializer", {}).get("handler"), f"{name}_initialize"),
        "preStop": (hooks.get("preStop", {}).get("handler"), f"{name}_pre_stop"),
    }
    there = set(re.findall(r"^(\w+) = ", entry_module("any"), re.MULTILINE))
    for place, (handler, wanted) in found.items():
        if handler != f"fc_entry.{wanted}":
            yield f"{place}: {handler!r} is not fc_entry.{wanted}"
        elif wanted not in there:
            yield f"{place}: the bundle has no {handler}"


def _settings(variables: Mapping[str, str], /) -> Iterator[str]:
    """Whether the program takes its variables."""
    given = {name: str(value) for name, value in variables.items()}
    tops = frozenset(Settings.model_fields)
    for name in given:
        top = name.removeprefix(PREFIX).partition(SEPARATOR)[0].lower()
        if name.startswith(PREFIX) and name != PATH_VARIABLE and top not in tops:
            yield f"{name}: there is no such setting"
    context = Context(folder=Path(), environment=given)
    try:
        Settings.model_validate(overlaid({}, variables=given, top=tops), context=context)
    except ValidationError as e:
        for fault in e.errors():
            where = SEPARATOR.join(str(part) for part in fault["loc"]).upper()
            yield f"{PREFIX}{where}: {fault['msg']}"


def _trigger(trigger: Document, /) -> Iterator[str]:
    kind, config = trigger.get("triggerType"), trigger.get("triggerConfig", {})
    yield from _known(models.CreateTriggerInput, {**trigger, "triggerConfig": json.dumps(config)})
    yield from outside({k: v for k, v in trigger.items() if k != "triggerConfig"}, TRIGGER)
    if kind not in MODELS:
        return
    yield from _known(MODELS[kind], config)
    yield from outside(config, CONFIGS[kind])
    if kind == "eventbridge" and "asyncInvocationType" not in config:
        yield "asyncInvocationType: say it; what it is by default is unclear"


def _domain(props: Document, functions: Mapping[str, Document], /) -> Iterator[str]:
    known = {key: value for key, value in props.items() if key != "region"}
    yield from _known(models.CreateCustomDomainInput, known)
    yield from outside(props, DOMAIN)
    called = {function.get("functionName"): function for function in functions.values()}
    for route in props.get("routeConfig", {}).get("routes", []):
        function = called.get(route.get("functionName"), {})
        (methods,) = [t["triggerConfig"]["methods"] for t in _of_kind(function, "http")] or ([],)
        missing = sorted(set(route.get("methods", [])) - set(methods))
        if missing or not methods:
            name = route.get("functionName")
            yield f"routeConfig: {name} has no HTTP trigger for {', '.join(missing) or 'anything'}"


def _whole(functions: Mapping[str, Document], /) -> Iterator[str]:
    """Whether all functions are there, each with what calls it."""
    there = {served(props) for props in functions.values()}
    names = function_names()
    yield from (f"functions/{name} has no entry" for name in sorted(names - there))
    yield from (f"{name}: there is no functions/{name}" for name in sorted(there - names))
    for name, kind in CALLED_BY:
        if not any(_of_kind(props, kind) for props in functions.values() if served(props) == name):
            yield f"{name}: has no {kind} trigger"
    called = [props.get("functionName") for props in functions.values()]
    yield from (f"{name}: is there twice" for name in {n for n in called if called.count(n) > 1})
    reserved = sum(
        function.get("concurrencyConfig", {}).get("reservedConcurrency", INSTANCES)
        for function in functions.values()
    )
    if reserved > INSTANCES:
        yield f"reservedConcurrency: together {reserved}, more than {INSTANCES} of a region"


def _of_kind(function: Document, kind: str, /) -> list[Document]:
    return [one for one in function.get("triggers", []) if one.get("triggerType") == kind]
