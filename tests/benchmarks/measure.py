"""How everything here is measured: arms take turns in rounds, and a ratio is a median of rounds.

Other work on the machine slows neighbouring arms of a round alike, so a round's own ratio moves
less than a time does.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

Arm = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Samples:
    """What each arm cost, round by round."""

    of: Mapping[str, list[float]] = field(default_factory=dict)

    def median(self, arm: str, /) -> float:
        return median(self.of[arm])

    def ratio(self, arm: str, /, *, to: str) -> float:
        """The median over rounds of one arm's cost divided by the other's."""
        return median(a / b for a, b in zip(self.of[arm], self.of[to], strict=True))


async def interleaved(arms: Mapping[str, Arm], /, *, rounds: int) -> Samples:
    """Run every arm once per round, each round beginning with another arm."""
    found: dict[str, list[float]] = {name: [] for name in arms}
    names = list(arms)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            found[name].append(await arms[name]())
    return Samples(found)
