"""What a decision depends on besides the words, the policy and the time."""

from datetime import datetime
from typing import NamedTuple

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
        """As a decision keeps them; `Facts.model_validate(kept, strict=False)` reads them again."""
        kept: dict[str, JsonValue] = self.model_dump(mode="json")
        return {name: _ordered(fact) for name, fact in kept.items()}


class Scene(NamedTuple):
    """A request whose principal and target are known."""

    asked: Asked
    principal: Principal
    target: Target
    facts: Facts
    now: datetime


def _ordered(fact: JsonValue) -> JsonValue:
    """Lists of words come from sets, which have no order of their own."""
    if isinstance(fact, dict):
        return {name: _ordered(inner) for name, inner in fact.items()}
    if isinstance(fact, list):
        words = [word for word in fact if isinstance(word, str)]
        return [*sorted(words)] if len(words) == len(fact) else [_ordered(inner) for inner in fact]
    return fact
