"""From nothing to a ready function, against importing what it stands on and the official SDK."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keylease.adapters.files.policy import load_policy
from keylease.adapters.system.sealing import new_key
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.programs import HERE, ROOT, told, variables
from tests.benchmarks.report import Report, Row, at_most

FUNCTIONS = ("intake", "decide", "converge")
FILES = ROOT / "shared" / "keylease" / "cli" / "demo_files"
METHOD = """\
Each arm is a fresh process with warm bytecode; the clock runs from the program's first line, so \
the interpreter's own start is in no arm. A function's time is everything until its handler can \
take an event: imports, settings (JSON), catalog and directory, the compiled policy where it is \
used, the SQLite store opened and its schema checked, HTTP session and signing client for \
converge. Bare is `import aiohttp, pydantic, structlog` and does nothing with them; the SDK is \
the import of both products' clients. `rich`, which the development environment has and a \
function's has not, is hidden from every arm. Wall time."""


@dataclass(frozen=True, slots=True)
class Size:
    rounds: int = 11


SMOKE = Size(rounds=1)


def prepared(folder: Path, /) -> Path:
    """Settings of a small installation, with the policy compiled at build time."""
    for name in ("catalog.yaml", "directory.yaml"):
        shutil.copy(FILES / name, folder)
    (folder / "policy.json").write_text(load_policy(FILES / "policy.yaml").to_json())
    settings = {
        "policy": "policy.json",
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
            variables(BENCH_KEY=new_key().reveal(), BENCH_SECRET="testsecret"),
        )
        arms = {name: started(name, env=env) for name in ("bare", "sdk")}
        arms |= {name: started(name, str(settings), env=env) for name in FUNCTIONS}
        await interleaved(arms, rounds=1)  # makes bytecode and database
        samples = await interleaved(arms, rounds=size.rounds)
    rows = [row(samples, name, to="bare", limit=1.2) for name in FUNCTIONS]
    rows.append(row(samples, "decide", to="sdk", limit=0.5))
    return Report("cold_start", "Cold start", METHOD, tuple(rows))


def row(samples: Samples, name: str, /, *, to: str, limit: float) -> Row:
    what = f"{name} against {'the official SDK' if to == 'sdk' else 'bare imports'}"
    return at_most(samples, arm=name, to=to, limit=limit, what=what, unit="ms", scale=1e3)
