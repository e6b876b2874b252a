"""How soon Slack has its answer, at 200 requests a second."""

from dataclasses import dataclass
from statistics import median, quantiles

from keylease.cli.demo_people import TENANT
from keylease.cli.demo_stage import Stage, staged
from tests.benchmarks.programs import HERE, started, told, variables
from tests.benchmarks.report import Report, Row

GOAL = 0.050
SERVE = ("-c", "from keylease.cli.main import main; main()", "serve")
METHOD = """\
`keylease serve` in a process of its own, all functions in it: every request is verified, stored \
and answered, and beside that decided (a denial, with its reasons), told in Slack and sent to a \
webhook sink. Signed slash commands leave at fixed times, whether or not earlier ones were \
answered; latency counts from the time at which a request was to leave, so it includes how late \
the sender was, which is shown. The sender is a process of its own; Slack and the sink are a \
third one. All share two cores. Loopback, wall time; the only goal here that is no ratio. Unlike \
the ratios it moves with whatever else runs on the machine."""


@dataclass(frozen=True, slots=True)
class Size:
    per_second: int = 200
    seconds: float = 10.0
    warm_up: float = 2.0


SMOKE = Size(per_second=20, seconds=0.5, warm_up=0.2)


async def sampled(stage: Stage, size: Size, /) -> dict[str, list[float]]:
    """How late each command left, and when it was answered."""
    env = variables(
        **stage.variables,
        KEYLEASE_CONFIG=str(stage.config),
        KEYLEASE_LIMITS__PEOPLE="1000000",  # one person stands for very many
    )
    async with started(*SERVE, env=env, cwd=stage.folder) as (url, *_):
        found: dict[str, list[float]] = await told(
            str(HERE / "acknowledgement_sender.py"),
            f"{url}/hooks/slack/{TENANT}",
            str(1 / size.per_second),
            str(int(size.warm_up * size.per_second)),
            str(int(size.seconds * size.per_second)),
            env=variables(SLACK_SIGNING_SECRET=stage.variables["DEMO_SLACK_SIGNING_SECRET"]),
        )
    return found


async def measure(size: Size = Size(), /) -> Report:  # frozen
    async with staged() as stage:
        found = await sampled(stage, size)
    seen, worst = found["answered"], _worst(found["answered"])
    row = Row(
        what=f"{len(seen):,} commands at {size.per_second}/s, 99th percentile",
        goal=f"under {GOAL * 1e3:.0f} ms",
        measured=f"{worst * 1e3:.1f} ms",
        is_met=worst < GOAL,
        against=f"median {median(seen) * 1e3:.1f} ms, longest {max(seen) * 1e3:.1f} ms; "
        f"the sender's 99th percentile is {_worst(found['late']) * 1e3:.1f} ms late",
    )
    return Report("acknowledgement", "Acknowledgement of a Slack command", METHOD, (row,))


def _worst(seconds: list[float], /) -> float:
    """The 99th percentile."""
    return quantiles(seconds, n=100)[-1]
