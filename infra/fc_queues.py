"""Check that s.yaml and Terraform mean the same queues, and that events arrive.

Between a function's commit and another function lie a rule and a queue of Terraform's and a trigger
of s.yaml's. `terraform/events.json` says which types go where; here it is held to the code.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keylease.hosts.fc.hint import WAITING
from keylease.runtime.bundle import function_names, load_function

LONGEST = 300
"""Seconds; what a trigger of a queue waits for a function: advanced-features-of-triggers."""
REQUESTS, DEAD_LETTERS = "requests", "dead-letters"
_NAMED = r'\b{}\s*=\s*"\$\{{var\.name\}}-([^"]+)"'

Document = dict[str, Any]


def fits_terraform(folder: Path, functions: Mapping[str, Document], /) -> Iterator[str]:
    """Whether what one of them makes is what the other one uses."""
    told: dict[str, list[str]] = json.loads((folder / "events.json").read_text())
    yield from (f"terraform/events.json: {fault}" for fault in _types(told))
    text = (folder / "queues.tf").read_text()
    there = set(re.findall(_NAMED.format("queue_name"), text))
    there = there - {"${each.key}"} | (set(told) if "${each.key}" in there else set())
    visible = min(int(seconds) for seconds in re.findall(r"visibility_timeout\s*=\s*(\d+)", text))
    for name, props in functions.items():
        yield from (
            f"s.yaml: {name}.triggers: {fault}" for fault in _reads(name, props, told, there)
        )
        if _queue_triggers(props) and props.get("timeout", 0) > min(visible - 1, LONGEST):
            yield f"s.yaml: {name}.timeout: is longer than its queue waits"
    if not any(name == REQUESTS and served(props) == "intake" for name, props in functions.items()):
        yield f"s.yaml: none reads the queue {REQUESTS} for intake"


def served(props: Document, /) -> str:
    """The folder of functions/ that a function of the platform runs."""
    return str(props.get("handler", "")).removeprefix("fc_entry.")


def wanted() -> dict[str, list[str]]:
    """Which function is told which types: what it consumes of what goes out, and sweep hints."""
    found = {
        name: sorted(kind.type for kind in load_function(name).consumes if kind.is_result)
        for name in function_names()
    }
    return {name: types for name, types in found.items() if types} | {"sweep": [WAITING]}


def _types(told: Mapping[str, list[str]], /) -> Iterator[str]:
    right = wanted()
    for name in sorted(right.keys() | told.keys()):
        consumed, given = set(right.get(name, [])), set(told.get(name, []))
        yield from (f"{name} consumes {type_}; add it" for type_ in sorted(consumed - given))
        yield from (f"{name} takes no {type_}" for type_ in sorted(given - consumed))


def _reads(
    name: str, props: Document, told: Mapping[str, list[str]], there: set[str], /
) -> Iterator[str]:
    """Each queue is read by the function that it is for, and by no other."""
    due = {name} & (told.keys() | {REQUESTS})
    read = {_queue(one): one for one in _queue_triggers(props)}
    yield from (f"none reads the queue {queue}" for queue in sorted(due - read.keys()))
    yield from (f"{queue} is no queue of this function" for queue in sorted(read.keys() - due))
    yield from (f"Terraform makes no queue {queue}" for queue in sorted(due - there))
    letters = read.get(REQUESTS, {}).get("runOptions", {}).get("deadLetterQueue", {}).get("Arn", "")
    if REQUESTS in read and not letters.endswith(f"-{DEAD_LETTERS}"):
        yield "requests that fail are lost; name the queue of dead letters"


def _queue_triggers(props: Document, /) -> list[Document]:
    triggers = [one for one in props.get("triggers", []) if one["triggerType"] == "eventbridge"]
    return [trigger["triggerConfig"] for trigger in triggers]


def _queue(config: Document, /) -> str:
    """A queue's name without that of the installation."""
    source = config.get("eventSourceConfig", {}).get("eventSourceParameters", {})
    name: str = source.get("sourceMNSParameters", {}).get("QueueName", "")
    return name.partition("-")[2]
