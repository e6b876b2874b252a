"""What Function Compute takes for each parameter: names, numbers, choices.

The official SDK knows the names of parameters and their types, and says the ranges in comments
only. Each table names where its ranges are from; pages are those of help.aliyun.com.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

Rule = Callable[[Any], str]
"""Of a value: what it must be instead; empty when it is."""


def between(least: float, most: float, /, *, step: float = 1) -> Rule:
    """A number on a ladder."""
    says = f"is not {least} to {most} in steps of {step}"

    def rule(value: Any) -> str:  # noqa: ANN401  # any YAML
        if isinstance(value, bool) or not isinstance(value, int | float):
            return says
        on_ladder = Decimal(str(value)) % Decimal(str(step)) == 0
        return "" if least <= value <= most and on_ladder else says

    return rule


def one_of(*choices: object) -> Rule:
    """One of these."""
    says = f"is not one of {', '.join(str(choice) for choice in choices)}"
    return lambda value: "" if value in choices else says


def like(pattern: str, /, says: str) -> Rule:
    """A text of this form."""
    form = re.compile(pattern)
    return lambda value: "" if isinstance(value, str) and form.fullmatch(value) else says


def cron(value: Any) -> str:  # noqa: ANN401  # as above
    """Six fields, seconds first, in UTC; or an interval of whole minutes."""
    says = "is neither six fields of cron, seconds first, nor @every in minutes"
    if re.fullmatch(r"@every [1-9]\d*m", str(value)):
        return ""
    fields = str(value).split(" ")
    if len(fields) != len(CRON):
        return says
    for field, (least, most) in zip(fields, CRON, strict=True):
        numbers = [int(text) for text in re.findall(r"\d+", re.sub(r"/\d+", "", field))]
        if not re.fullmatch(r"(\*|\?|[\d,-]+)(/\d+)?", field):
            return says
        if not all(least <= number <= most for number in numbers):
            return says
    return ""


CRON = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""Second, minute, hour, day, month, weekday: timer-triggers."""
NAME = "starts with no digit and no dash, and has letters, digits, _ and - only; at most"
ARN = r"[a-z0-9-]+:\d{16}"
TO_QUEUE = like(
    rf"acs:mns:{ARN}:/queues/[A-Za-z][A-Za-z0-9-]{{0,255}}(/messages)?", "is no queue's ARN"
)

FUNCTION: Mapping[str, Rule] = {
    # Comments of CreateFunctionInput, alibabacloud-fc20230330 4.8.3.
    "functionName": like(r"[A-Za-z_][\w-]{0,63}", f"{NAME} 64"),
    "runtime": one_of("python3.12"),  # what infra/package.py builds for
    "cpu": between(0.05, 16, step=0.05),
    "memorySize": between(128, 32768, step=64),
    "diskSize": one_of(512, 10240),
    "timeout": between(1, 86400),
    # set-the-request-concurrency-in-a-single-instance: more is for web and container functions.
    "instanceConcurrency": one_of(1),
    # The region's instances on demand, unless it was raised; comments of PutConcurrencyInput.
    "concurrencyConfig.reservedConcurrency": between(1, 300),
    # lifecycle-hooks-for-function-instances. The longest pre-stop is not said; held to the same.
    "instanceLifecycleConfig.initializer.timeout": between(1, 300),
    "instanceLifecycleConfig.preStop.timeout": between(1, 300),
    # Comments of PutAsyncInvokeConfigInput.
    "asyncInvokeConfig.maxAsyncRetryAttempts": between(0, 8),
    "asyncInvokeConfig.maxAsyncEventAgeInSeconds": between(1, 604800),
    "asyncInvokeConfig.destinationConfig.onFailure.destination": TO_QUEUE,
    "layers[]": like(rf"acs:fc:{ARN}:layers/[\w-]+/versions/\d+", "is no ARN of a layer's version"),
    "role": like(r"acs:ram::\d{16}:role/[\w.-]{1,64}", "is no role's ARN"),
    "region": like(r"[a-z]{2}-[a-z]+(-\d)?", "is no region"),
    # sls: limits on projects and logstores.
    "logConfig.project": like(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "is no name of a log project"),
    "logConfig.logstore": like(r"[a-z0-9][a-z0-9_-]{0,61}[a-z0-9]", "is no name of a logstore"),
    "logConfig.logBeginRule": one_of("DefaultRegex", "None"),  # the component's own schema
    "vpcConfig.vpcId": like(r"vpc-\w+", "is no VPC"),
    "vpcConfig.vSwitchIds[]": like(r"vsw-\w+", "is no vSwitch"),
    "vpcConfig.securityGroupId": like(r"sg-\w+", "is no security group"),
}

TRIGGER: Mapping[str, Rule] = {
    # Comments of CreateTriggerInput; of its types, those that this project uses.
    "triggerName": like(r"[A-Za-z_][\w-]{0,127}", f"{NAME} 128"),
    "triggerType": one_of("http", "timer", "eventbridge"),
}

CONFIGS: Mapping[str, Mapping[str, Rule]] = {
    "http": {
        # Comments of HTTPTriggerConfig; methods: the component's own schema.
        "authType": one_of("anonymous", "function"),
        "methods[]": one_of("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
    },
    "timer": {"cronExpression": cron},
    "eventbridge": {
        # Comments of EventSourceConfig, RunOptions, RetryStrategy and DeliveryOption.
        "eventSourceConfig.eventSourceType": one_of("MNS"),  # a queue is the one way off a bus
        "eventSourceConfig.eventSourceParameters.sourceMNSParameters.QueueName": like(
            r"[A-Za-z0-9][A-Za-z0-9-]{0,119}", "is no queue's name"
        ),
        "eventSinkConfig.deliveryOption.eventSchema": one_of("CloudEvents", "RawData"),
        "runOptions.mode": one_of("event-streaming", "event-driven"),
        "runOptions.errorsTolerance": one_of("ALL"),  # NONE: one bad message stops the queue
        "runOptions.retryStrategy.PushRetryStrategy": one_of(
            "BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"
        ),
        "runOptions.deadLetterQueue.Arn": TO_QUEUE,
        # advanced-features-of-triggers.
        "runOptions.batchWindow.CountBasedWindow": between(1, 10_000),
        "runOptions.batchWindow.TimeBasedWindow": between(0, 15),
    },
}

DOMAIN: Mapping[str, Rule] = {
    # Comments of CreateCustomDomainInput and TLSConfig; its pages are called by anybody.
    "domainName": like(r"([a-z0-9-]{1,63}\.)+[a-z]{2,63}", "is no domain"),
    "protocol": one_of("HTTPS"),
    "tlsConfig.minVersion": one_of("TLSv1.2", "TLSv1.3"),
    "routeConfig.routes[].path": like(r"/([\w-]+/)*([\w-]+|\*)", "is no path"),
}

VARIABLES = 4096
"""Bytes of all environment variables together: configure-environment-variables."""
_VARIABLE = re.compile(r"[A-Za-z]\w*", re.ASCII)
_RESERVED = re.compile(r"FC_.*|accessKeyID|accessKeySecret|securityToken|topic")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def outside(document: Any, /, rules: Mapping[str, Rule]) -> Iterator[str]:  # noqa: ANN401  # any YAML
    """What is not in its range."""
    for path, value in _flat(document):
        rule = rules.get(re.sub(r"\[\d+\]", "[]", path))
        said = rule(value) if rule else ""
        if said:
            yield f"{path}: {value!r} {said}"


def variables_outside(variables: Mapping[str, Any], /) -> Iterator[str]:
    """The same for environment variables: configure-environment-variables."""
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name) or _RESERVED.fullmatch(name):
            yield f"{name}: is the platform's own, or no letter with letters, digits and _ after it"
        if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
            yield f"{name}: {value!r} is not a text of printable ASCII"
    size = sum(len(name) + len(str(value)) for name, value in variables.items())
    if size > VARIABLES:
        yield f"together {size} bytes, more than {VARIABLES}"


def cpu_for_memory(cpu: float, /, *, memory: float) -> str:
    """Comment of CreateFunctionInput: cpu to GB between 1:1 and 1:4."""
    ratio = (memory / 1024) / cpu
    least, most = 1, 4
    return "" if least <= ratio <= most else f"is 1:{ratio:g} to the GB of memory, not 1:1 to 1:4"


def _flat(node: Any, /, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # any YAML
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _flat(value, f"{path}[{number}]")
    else:
        yield path, node
