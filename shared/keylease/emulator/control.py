"""The unsigned control endpoint, for the same machine only: faults, settings, clock, state."""

import dataclasses
import ipaddress
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from keylease.emulator.cloud import Cloud
from keylease.emulator.envelope import Answer, json_answer
from keylease.emulator.faults import FaultPlan
from keylease.emulator.wire import Wire

PREFIX = "_emulator"
LONGEST_LEAP = timedelta(days=366)
_PLANS = TypeAdapter(tuple[FaultPlan, ...])
_LEAP: TypeAdapter[timedelta] = TypeAdapter(
    Annotated[timedelta, Field(ge=-LONGEST_LEAP, le=LONGEST_LEAP)]
)


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    cloud: Cloud

    def answer(self, wire: Wire, *, peer: str | None) -> Answer:
        if not _is_loopback(peer):
            return _refused(403, "the control endpoint serves this machine only")
        action = self._actions().get((wire.method, *wire.segments[1:]))
        if action is None:
            return _refused(404, "no such control")
        try:
            return json_answer(action(json.loads(wire.body.decode() or "null")))
        except ValidationError as e:
            return _refused(400, str(e.errors(include_input=False, include_url=False)))
        except (ValueError, TypeError, RecursionError, OverflowError):
            return _refused(400, "expected a JSON document that fits")

    def _actions(self) -> Mapping[tuple[str, ...], Callable[[JsonValue], JsonValue]]:
        return {
            ("GET", "faults"): self._plans,
            ("POST", "faults"): self._plan,
            ("DELETE", "faults"): self._clear,
            ("PATCH", "settings"): self._change,
            ("POST", "clock"): self._advance,
            ("GET", "state"): self._state,
            ("GET", "journal"): self._journal,
            ("DELETE", "journal"): self._forget,
        }

    def _plans(self, _: JsonValue) -> JsonValue:
        return [plan.model_dump(mode="json") for plan in self.cloud.faults.plans()]

    def _plan(self, document: JsonValue) -> JsonValue:
        plans = document if isinstance(document, list) else [document]
        self.cloud.faults.plan(*_PLANS.validate_python(plans))
        return self._plans(None)

    def _clear(self, _: JsonValue) -> JsonValue:
        self.cloud.faults.clear()
        return []

    def _change(self, document: JsonValue) -> JsonValue:
        if not isinstance(document, dict):
            raise TypeError
        self.cloud.live.change(**document)
        return self.cloud.live.settings.model_dump(mode="json")

    def _advance(self, document: JsonValue) -> JsonValue:
        """`{"advance": "PT15M"}` or seconds."""
        by = document.get("advance") if isinstance(document, dict) else None
        self.cloud.clock.advance(_LEAP.validate_python(by))
        return {"now": self.cloud.clock.now().isoformat()}

    def _state(self, _: JsonValue) -> JsonValue:
        """Instances with their accounts and rules; passwords read as asterisks."""
        return {
            "now": self.cloud.clock.now().isoformat(),
            "settings": self.cloud.live.settings.model_dump(mode="json"),
            "rocketmq": [row.model_dump(mode="json") for row in self.cloud.live.rocketmq.all()],
            "redis": [row.model_dump(mode="json") for row in self.cloud.live.redis.all()],
        }

    def _journal(self, _: JsonValue) -> JsonValue:
        return [
            {**dataclasses.asdict(entry), "at": entry.at.isoformat(), "outcome": entry.outcome}
            for entry in self.cloud.journal.entries
        ]

    def _forget(self, _: JsonValue) -> JsonValue:
        self.cloud.journal.clear()
        return []


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback
    except ValueError:
        return False


def _refused(status: int, message: str) -> Answer:
    return json_answer({"error": message}, status=status)
