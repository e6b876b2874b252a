"""From nothing to a ready function, against importing what it stands on and the official SDK."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keylease.adapters.files.compiled import compiled
from keylease.adapters.system.sealing import new_key
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.programs import HERE, ROOT, told, variables
from tests.benchmarks.report import Report, Row, at_most, shown

FUNCTIONS = ("intake", "decide", "converge")
CALLING = "converge with its HTTP session"
FILES = ROOT / "shared" / "keylease" / "cli" / "demo_files"
METHOD = """\
Each arm is a fresh process with warm bytecode; the clock runs from the program's first line, so \
the interpreter's own start is in no arm. A function's time is everything until its handler can \
take an event: imports, settings (JSON), policy, catalog and directory as `keylease policy \
compile` writes them, the SQLite store opened and its schema checked, the signing client for \
converge. Its HTTP session opens with the first call, which the last row counts as well. Bare is \
`import aiohttp, pydantic, structlog` and does nothing with them; the SDK is the import of both \
products' clients. `rich`, which the development environment has and a function's has not, is \
hidden from every arm, and `PYDANTIC_DISABLE_PLUGINS` keeps pydantic from reading the metadata \
of all packages there. Wall time."""


@dataclass(frozen=True, slots=True)
class Size:
    rounds: int = 11


SMOKE = Size(rounds=1)


def prepared(folder: Path, /) -> Path:
    """Settings of a small installation, compiled at build time."""
    texts = compiled(
        FILES / "policy.yaml",
        catalog=FILES / "catalog.yaml",
        directory=FILES / "directory.yaml",
    )
    for name, text in texts.items():
        (folder / name).write_text(text)
    settings = {
        **{name.removesuffix(".json"): name for name in texts},
        "sealing": {"current": "k1", "keys": {"k1": {"env": "BENCH_KEY"}}},
        "alibaba": {
            "credentials": {
                "kind": "static",
                "access_key_id": "testid",
                "access_key_secret": {"env": "BENCH_SECRET"},
            }
        },
    }
    path = folder / "keylease.json"
    path.write_text(json.dumps(settings))
    return path


def started(arm: str, *settings: str, env: dict[str, str]) -> Arm:
    async def one() -> float:
        return float(await told("-I", str(HERE / "cold_start_arm.py"), arm, *settings, env=env))

    return one


async def measure(size: Size = Size(), /) -> Report:  # frozen
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings, env = (
            prepared(Path(folder)),
            variables(
                BENCH_KEY=new_key().reveal(),
                BENCH_SECRET="testsecret",
                PYDANTIC_DISABLE_PLUGINS="__all__",
            ),
        )
        arms = {name: started(name, env=env) for name in ("bare", "sdk")}
        arms |= {name: started(name, str(settings), env=env) for name in FUNCTIONS}
        arms[CALLING] = started("converge", str(settings), "--session", env=env)
        await interleaved(arms, rounds=1)  # makes bytecode and database
        samples = await interleaved(arms, rounds=size.rounds)
    rows = [row(samples, name, to="bare", limit=1.2) for name in FUNCTIONS]
    rows.append(row(samples, "decide", to="sdk", limit=0.5))
    what = f"{CALLING} against bare imports"
    rows.append(shown(samples, arm=CALLING, to="bare", what=what, unit="ms", scale=1e3))
    return Report("cold_start", "Cold start", METHOD, tuple(rows))


def row(samples: Samples, name: str, /, *, to: str, limit: float) -> Row:
    what = f"{name} against {'the official SDK' if to == 'sdk' else 'bare imports'}"
    return at_most(samples, arm=name, to=to, limit=limit, what=what, unit="ms", scale=1e3)
