"""What people and machines ask for in a chaos run, and what shall become of it."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random  # noqa: TID251  # seeded: a run can be had again

OWN = ("own-orders", "own-payments")
SHARED = (
    *("orders-sub", "orders-both", "payments-pub", "payments-all"),
    *("mixed-orders", "mixed-groups"),
)
REVIEWED = "cache"
FORBIDDEN = "ledger"
KINDS = (*OWN, *SHARED, *SHARED[:2], REVIEWED, REVIEWED, FORBIDDEN)
"""Most are on accounts that are shared."""
SHORT = (2, 6)
"""Seconds of a lease that ends by itself."""
LONG = 3000
DOUBLED = 0.4


class Door(StrEnum):
    """How a request comes in."""

    SLACK = "slack"
    WEBHOOK = "webhook"
    EVENTS = "cloudevents"


class End(StrEnum):
    """How a lease ends."""

    EXPIRES = "expires"
    RELEASED = "released"
    """As soon as it is active."""
    STAYS = "stays"
    """Until everything else is over."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One request."""

    number: int
    entitlement: str
    door: Door
    seconds: int
    end: End
    verdict: str
    """What Bo says, if he is asked."""
    is_doubled: bool

    @property
    def is_permitted(self) -> bool:
        is_granted = self.entitlement != REVIEWED or self.verdict == "approve"
        return is_granted and self.entitlement != FORBIDDEN

    @property
    def duration(self) -> str:
        return f"{self.seconds}s"

    @property
    def reason(self) -> str:
        return f"INC-{self.number}"


def wishes(count: int, /, *, dice: Random) -> tuple[Wish, ...]:
    """So many, of all kinds."""
    return tuple(_wish(n, KINDS[n % len(KINDS)], dice) for n in range(count))


def _wish(number: int, entitlement: str, dice: Random) -> Wish:
    door = dice.choice([Door.SLACK, Door.SLACK, Door.WEBHOOK, Door.EVENTS])
    # A machine asks for itself, and in this run it lets go of nothing.
    chances = [1, 0, 0] if door is Door.EVENTS else [5, 4, 1]
    (end,) = dice.choices(tuple(End), chances)
    return Wish(
        number=number,
        entitlement=entitlement,
        door=door,
        seconds=dice.randint(*SHORT) if end is End.EXPIRES else LONG,
        end=end,
        verdict=dice.choice(["approve", "approve", "deny"]),
        is_doubled=dice.random() < DOUBLED,
    )
