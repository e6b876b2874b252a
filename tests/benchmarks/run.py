"""Runs the benchmarks: all of them and writes README.md, or those named, and prints them.

.venv/bin/python tests/benchmarks/run.py [name ...]
"""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
NAMES = (
    "cold_start",
    "decisions",
    "signed_calls",
    "lease",
    "acknowledgement",
    "commits",
    "due",
    "worker",
    "decide_pg",
    "leases_on_postgres",
    "packaged",
    "fc_invocation",
)


async def measured(names: tuple[str, ...], /) -> list[str]:
    """The reports of these benchmarks, as text."""
    texts = []
    for name in names:
        measure: Callable[[], Awaitable[object]] = importlib.import_module(
            f"tests.benchmarks.{name}"
        ).measure
        report = await measure()
        texts.append(report.text())  # type: ignore[attr-defined]  # each returns a Report
        sys.stdout.write(f"{texts[-1]}\n")
        sys.stdout.flush()
    return texts


def main() -> None:
    from tests.benchmarks.readme import whole  # noqa: PLC0415  # after the path is set

    names = tuple(sys.argv[1:])
    texts = asyncio.run(measured(names or NAMES))  # noqa: TID251  # a program owns its loop
    if not names:
        (HERE / "README.md").write_text(whole(texts), encoding="utf-8")


if __name__ == "__main__":
    main()
