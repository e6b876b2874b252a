"""What people, machines and buses do in a row of the table, and what can be seen afterwards."""

from dataclasses import dataclass, replace
from typing import Any

ANA, BO = "U0ANA0001", "U0BO00001"


@dataclass(frozen=True, slots=True)
class Types:
    """A slash command. `{req}` in the text stands for the id of the row's first request."""

    text: str
    who: str = ANA
    trigger: str = ""
    """What Slack repeats when it sends the same command again; empty: a new one."""
    signed_with: str = ""
    """Left out: the workspace's own secret."""
    age: int = 0
    """Seconds since it was signed."""
    tenant: str = "demo"


@dataclass(frozen=True, slots=True)
class Presses:
    """A button on the message that Bo sees."""

    action: str
    who: str = BO


@dataclass(frozen=True, slots=True)
class Sends:
    """A call of a machine that proves itself as the billing service."""

    body: str
    path: str = "/events"
    method: str = "POST"
    bearer: str = ""
    """Left out: billing's own."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Time passes until the receiver has an event of this type about the row's request."""

    type: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """The bus brings decide an event about the row's request that it brought before."""

    type: str = "request.submitted"


@dataclass(frozen=True, slots=True)
class Poisons:
    """The bus brings decide something that no retry makes good."""


Step = Types | Presses | Sends | Waits | Repeats | Poisons


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of a row. Ids read as req-1, lease-1, ... in the order of their appearance."""

    answers: tuple[str, ...] = ()
    """Status and text of every call, in order."""
    requests: tuple[str, ...] = ()
    leases: tuple[str, ...] = ()
    """Status and, at its end, the reason."""
    events: tuple[str, ...] = ()
    """Types that the receiver got, in order per request."""
    audit: tuple[str, ...] = ()
    """Actions about requests and leases, sorted: what runs side by side differs by host."""
    accounts: int = 0
    """Accounts that are left in the cloud."""
    given_up: int = 0
    """Events that need a person."""

    def but(self, **changes: Any) -> "Seen":
        """The same with some things otherwise."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    steps: tuple[Step, ...]
    leaves: Seen
