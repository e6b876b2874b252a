"""What a decision depends on besides the words, the policy and the time."""

import json
from datetime import datetime
from typing import NamedTuple, Self

from pydantic import Field, JsonValue

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.people import Principal
from keylease.domain.record import Value
from keylease.domain.request import Asked


class Facts(Value):
    """What directory and catalog say about one request. None: not known, which is a deny."""

    principal: Principal | None
    target: Target | None
    entitlement: Entitlement | None = None
    """The catalog's entitlement that the request names."""
    standing: StandingAccount | None = None
    """The catalog's standing account that the request names."""
    members: dict[str, tuple[Principal, ...] | None] = Field(default_factory=dict)
    """For every name in `Policy.approver_groups` who is in it; None or absent: unreadable."""

    def recorded(self) -> dict[str, JsonValue]:
        """As a decision keeps them: what rules look at, without names and outside ids."""
        principal, target = self.principal, self.target
        entitlement, standing = self.entitlement, self.standing
        return {
            "principal": None if principal is None else _seen(principal),
            "target": None if target is None else _described(target),
            "entitlement": None if entitlement is None else _plain(entitlement),
            "standing": None if standing is None else _plain(standing),
            "members": {
                group: None if people is None else [_seen(person) for person in people]
                for group, people in self.members.items()
            },
        }

    @classmethod
    def of_record(cls, kept: dict[str, JsonValue], /) -> Self:
        """The facts of a decision, to replay it on another policy."""
        return cls.model_validate_json(json.dumps(kept))


class Scene(NamedTuple):
    """A request whose principal and target are known."""

    asked: Asked
    principal: Principal
    target: Target
    facts: Facts
    now: datetime

    @classmethod
    def of(cls, asked: Asked, /, *, facts: Facts, now: datetime) -> Self:
        """Of a request that has no flaws."""
        return cls(asked, facts.principal, facts.target, facts, now)  # type: ignore[arg-type]  # flaws


def _seen(principal: Principal) -> dict[str, JsonValue]:
    return {
        "id": principal.id,
        "groups": [*sorted(principal.groups)],
        "is_workload": principal.is_workload,
    }


def _described(target: Target) -> dict[str, JsonValue]:
    return {
        "id": target.id,
        "product": target.product._value_,
        "instance_id": target.instance_id,
        "region": target.region,
        "labels": dict(target.labels),
    }


def _plain(value: Value) -> JsonValue:
    return _ordered(value.model_dump(mode="json"))


def _ordered(value: JsonValue) -> JsonValue:
    """Lists of words come from sets, which have no order of their own."""
    if isinstance(value, dict):
        return {name: _ordered(inner) for name, inner in value.items()}
    if isinstance(value, list):
        inner = [_ordered(item) for item in value]
        return sorted(inner, key=str) if all(isinstance(item, str) for item in inner) else inner
    return value
