"""One authenticated call, as the operations see it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from keylease.emulator.envelope import Payload
from keylease.emulator.live import Live
from keylease.emulator.refusal import Refusal, missing
from keylease.emulator.wire import Wire
from keylease.emulator.world import AccessKey, OwnCode

MAX_NUMBER_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, of whom and when. Parameters stay out of the repr: some are passwords."""

    operation: str
    live: Live = field(repr=False)
    wire: Wire = field(repr=False)
    path: Mapping[str, str]
    parameters: Mapping[str, str] = field(repr=False)
    caller: AccessKey
    now: datetime
    is_stale: bool = False

    def required(self, name: str) -> str:
        value = self.parameters.get(name)
        if value is None:
            raise missing(name)
        if not value:
            raise Refusal("MissingParameter", "Specified parameter is missing.")
        return value

    def number(self, name: str, *, default: int, highest: int, lowest: int = 1) -> int:
        text = self.parameters.get(name) or str(default)
        is_number = text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS
        if not is_number or not lowest <= int(text) <= highest:
            raise self.bad_parameter(name)
        return int(text)

    def refusal(self, own: OwnCode, message: str) -> Refusal:
        return Refusal(own.code, message, status=own.status)

    def bad_parameter(self, name: str) -> Refusal:
        code = self.live.settings.codes.invalid_parameter
        return self.refusal(code, f"The parameter {name} is not valid.")

    def document(self) -> Mapping[str, JsonValue]:
        """The JSON object in the body."""
        try:
            parsed = json.loads(self.wire.body.decode()) if self.wire.body else {}
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise self.bad_parameter("body")
        return parsed

    def text(self, document: Mapping[str, JsonValue], name: str) -> str | None:
        value = document.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _is_encodable(value):
            raise self.bad_parameter(name)
        return value

    def required_text(self, document: Mapping[str, JsonValue], name: str) -> str:
        value = self.text(document, name)
        if not value:
            raise missing(name)
        return value

    def texts(self, document: Mapping[str, JsonValue], name: str) -> tuple[str, ...] | None:
        value = document.get(name)
        if value is None:
            return None
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.bad_parameter(name)
        if not all(isinstance(item, str) and _is_encodable(item) for item in value):
            raise self.bad_parameter(name)
        return tuple(str(item) for item in value)


def _is_encodable(text: str) -> bool:
    """Whether UTF-8 can carry it; JSON escapes can spell half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    run: Callable[[Call], Payload]
    method: str = ""
    template: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        return self.name.startswith(("Get", "List", "Describe"))

    def match(self, segments: tuple[str, ...]) -> Mapping[str, str] | None:
        """Path variables when `segments` fit the template, in which `{name}` stands for one."""
        if len(segments) != len(self.template):
            return None
        variables = {}
        for expected, given in zip(self.template, segments, strict=True):
            if expected.startswith("{"):
                variables[expected.strip("{}")] = given
            elif expected != given:
                return None
        return variables


def page(rows: Sequence[JsonValue], *, number: int, size: int) -> tuple[list[JsonValue], int]:
    """One page and the total."""
    return list(rows[(number - 1) * size : number * size]), len(rows)
