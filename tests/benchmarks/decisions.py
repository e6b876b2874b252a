"""Decisions per second against four policy engines, on the same rules and requests."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks import engines
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.report import Report, Row
from tests.benchmarks.rules import BenchRule, cases, our_question, rules

GOAL = 5.0
OURS, BARE = "keylease", "yes or no only"
Engine = Callable[[list[BenchRule]], engines.Answers]
ENGINES: Mapping[str, Engine] = {
    OURS: engines.keylease,
    BARE: engines.keylease_yes_or_no,
    "cedarpy": engines.cedar,
    "casbin": engines.pycasbin,
    "regorus": engines.regorus,
    "CEL (Rust)": engines.common_expression_language,
}
METHOD = """\
200 requests, half of them fitting a rule. Every engine holds the policy ready and gets its inputs \
ready-made in its own form; all must give the same 200 answers. Ours is `Policy.decide`, which also \
returns the rule, every unmet condition of the nearest rule and the facts; `yes or no only` is \
`Policy.judge`, which answers what the others answer. The goal is held to `Policy.decide`. The \
medians are microseconds per decision."""


@dataclass(frozen=True, slots=True)
class Size:
    counts: tuple[int, ...] = (10, 100, 1_000)
    cases: int = 200
    rounds: int = 7


SMOKE = Size(counts=(10, 30), cases=60, rounds=1)


class Disagreement(AssertionError):
    """Two engines answer differently."""


def agreed(
    given: Mapping[str, engines.Answers], /, *, asked: list[engines.Question]
) -> list[bool]:
    """The answers that all engines give."""
    told = {name: answers(asked) for name, answers in given.items()}
    for name, answers in told.items():
        if answers != told[OURS]:
            raise Disagreement(name)
    return told[OURS]


async def measure(size: Size = Size(), /) -> Report:  # noqa: B008  # frozen
    rows: list[Row] = []
    for count in size.counts:
        given = rules(count, seed=count)
        asked = [our_question(c) for c in cases(given, count=size.cases, seed=count + 1)]
        ready = {name: engine(given) for name, engine in ENGINES.items()}
        agreed(ready, asked=asked)
        arms = {name: _timed(answers, asked=asked) for name, answers in ready.items()}
        rows += _rows(await interleaved(arms, rounds=size.rounds), count=count)
    return Report("decisions", "Decisions per second", METHOD, tuple(rows))


def _timed(answers: engines.Answers, /, *, asked: list[engines.Question]) -> Arm:
    async def arm() -> float:
        begun = time.process_time()
        answers(asked)
        return (time.process_time() - begun) / len(asked)

    return arm


def _rows(samples: Samples, /, *, count: int) -> list[Row]:
    others = [name for name in ENGINES if name not in {OURS, BARE}]
    best = min(others, key=samples.median)
    told = ", ".join(f"{name} {samples.median(name) * 1e6:.1f}" for name in ENGINES)
    rows = []
    for name, goal in ((OURS, f"at least {GOAL:.0f}x the best"), (BARE, "none")):
        ratio = samples.ratio(best, to=name)
        label = "decisions" if name == OURS else BARE
        measured = f"{ratio:.1f}x of {best}"
        rows.append(
            Row(f"{label}, {count} rules", goal, measured, ratio >= GOAL, told if name == OURS else "")
        )
    return rows
