"""Decisions per second against four policy engines, on the same rules and requests."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks import engines
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.report import Report, Row
from tests.benchmarks.rules import BenchRule, cases, our_question, rules

GOAL = 5.0
LEAST = 0.03
"""Seconds that a sample takes: a shorter one would measure how caches fill after another arm."""
OURS, WHOLE = "keylease", "keylease with reasons"
Engine = Callable[[list[BenchRule]], engines.Answers]
ENGINES: Mapping[str, Engine] = {
    OURS: engines.keylease,
    WHOLE: engines.keylease_with_reasons,
    "cedarpy": engines.cedar,
    "casbin": engines.pycasbin,
    "regorus": engines.regorus,
    "CEL (Rust)": engines.common_expression_language,
}
METHOD = """\
200 requests, half of them fitting a rule. Every engine holds its policy ready, and starts from \
the same request and facts, which it turns into its own input; all must give the same 200 \
answers. The goal is held to `Policy.judge`, which answers what the others answer: yes or no, \
and the rule. `Policy.decide`, which keylease stores, also words every unmet condition of the \
nearest rule and keeps the facts; no other engine does that. Each sample repeats the requests for \
30 ms. What addresses read as is remembered: a block as numbers for the other engines, for \
keylease the blocks of a permission as the rules that they fit and what is wrong with them; so is \
whether a name is a plain one, which the others do not ask. No answer is. CPU time; the medians \
are microseconds per decision."""


@dataclass(frozen=True, slots=True)
class Size:
    counts: tuple[int, ...] = (10, 100, 1_000)
    cases: int = 200
    rounds: int = 7


SMOKE = Size(counts=(10, 30), cases=60, rounds=1)


class Disagreement(AssertionError):
    """Two engines answer differently."""


def agreed(given: Mapping[str, engines.Answers], /, *, asked: list[engines.Question]) -> list[bool]:
    """The answers that all engines give."""
    told = {name: answers(asked) for name, answers in given.items()}
    for name, answers in told.items():
        if answers != told[OURS]:
            raise Disagreement(name)
    return told[OURS]


async def measure(size: Size = Size(), /) -> Report:  # frozen
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
        begun, decided = time.process_time(), 0
        while (taken := time.process_time() - begun) < LEAST:
            answers(asked)
            decided += len(asked)
        return taken / decided

    return arm


def _rows(samples: Samples, /, *, count: int) -> list[Row]:
    others = [name for name in ENGINES if name not in {OURS, WHOLE}]
    best = min(others, key=samples.median)
    told = ", ".join(f"{name} {samples.median(name) * 1e6:.1f}" for name in ENGINES)
    return [
        _row(samples.ratio(best, to=name), f"{label}, {count} rules", best=best, told=text)
        for name, label, text in ((OURS, "decisions", told), (WHOLE, "with reasons", ""))
    ]


def _row(ratio: float, what: str, /, *, best: str, told: str) -> Row:
    return Row(
        what=what,
        goal=f"at least {GOAL:.0f}x the best",
        measured=f"{ratio:.1f}x of {best}",
        is_met=ratio >= GOAL,
        against=told,
    )
