"""What a benchmark found, and how that reads."""

from dataclasses import dataclass

from tests.benchmarks.measure import Samples


@dataclass(frozen=True, slots=True)
class Row:
    """One goal and what was measured."""

    what: str
    goal: str
    measured: str
    is_met: bool | None
    """None: there is no goal, it is here to be seen."""
    against: str = ""
    """Both sides in plain units."""

    def line(self) -> str:
        met = {True: "met", False: "**not met**", None: ""}[self.is_met]
        return f"| {self.what} | {self.goal} | {self.measured} | {met} | {self.against} |"


@dataclass(frozen=True, slots=True)
class Report:
    """One benchmark."""

    name: str
    title: str
    method: str
    rows: tuple[Row, ...]

    def text(self) -> str:
        head = "| What | Goal | Measured | | Medians |\n|---|---|---|---|---|"
        command = f"`.venv/bin/python tests/benchmarks/run.py {self.name}`"
        lines = "\n".join(row.line() for row in self.rows)
        return f"## {self.title}\n\n{self.method}\n\n{command}\n\n{head}\n{lines}\n"


def at_most(  # a row of a table has this many cells
    samples: Samples, /, *, arm: str, to: str, limit: float, what: str, unit: str, scale: float
) -> Row:
    """A row whose goal is that `arm` costs no more than `limit` times `to`."""
    ratio = samples.ratio(arm, to=to)
    return Row(
        what=what,
        goal=f"at most {limit:.2g}x" if limit >= 1 else f"at most 1/{1 / limit:.0f}",
        measured=_times(ratio),
        is_met=ratio <= limit,
        against=_both(samples, arm, to, unit=unit, scale=scale),
    )


def shown(  # as above
    samples: Samples, /, *, arm: str, to: str, what: str, unit: str, scale: float
) -> Row:
    """A row without a goal."""
    measured = _times(samples.ratio(arm, to=to))
    against = _both(samples, arm, to, unit=unit, scale=scale)
    return Row(what=what, goal="none", measured=measured, is_met=None, against=against)


def _times(ratio: float) -> str:
    """With digits that say something."""
    return f"{ratio:.2f}x" if ratio >= 0.1 else f"1/{1 / ratio:.0f}"


def _both(samples: Samples, arm: str, to: str, *, unit: str, scale: float) -> str:
    mine, theirs = samples.median(arm) * scale, samples.median(to) * scale
    return f"{mine:.3g} {unit} against {theirs:.3g} {unit}"
