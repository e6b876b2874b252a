"""What a function has loaded when it is ready: the gain of `tests/benchmarks` is kept by these."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keylease.adapters.system.sealing import new_key
from tests.benchmarks.cold_start import prepared
from tests.benchmarks.programs import variables

LATER = frozenset(
    {
        "aiohttp",
        "cryptography",
        "jinja2",
        "keylease.adapters.alibaba.accounts_redis",
        "keylease.adapters.alibaba.accounts_rocketmq",
        "keylease.adapters.alibaba.credentials_chain",
        "keylease.adapters.alibaba.credentials_remote",
        "keylease.adapters.alibaba.credentials_sts",
        "keylease.adapters.files.reading",
        "keylease.adapters.otel",
        "keylease.adapters.postgres",
        "keylease.ports.chat",
        "keylease.ports.handover",
        "stamina",
        "tenacity",
        "yaml",
    }
)
"""What the first event may need, or only a failure, or another installation."""
OUTSIDE = frozenset({"keylease.ports.accounts", "keylease.domain.steps", "keylease.ports.http"})
"""What belongs to those who call the cloud."""
POLICY = frozenset({"keylease.policy.evaluate", "keylease.policy.model"})
READY = """
import asyncio, json, sys
from pathlib import Path
for name in ("rich", "typer"):
    sys.modules[name] = None
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import running
async def main():
    async with running(read_settings(Path(sys.argv[1])), functions={sys.argv[2]}):
        print(json.dumps([name for name, module in sys.modules.items() if module is not None]))
asyncio.run(main())
"""
BUILT = """
import json
import keylease.runtime.settings
from keylease.runtime.sections import Section
def below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from below(each)
print(json.dumps([kind.__name__ for kind in below(Section) if kind.__pydantic_complete__]))
"""


def said(program: str, *words: str) -> frozenset[str]:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=variables(BENCH_KEY=new_key().reveal(), BENCH_SECRET="testsecret"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("function", "absent"),
    [
        ("intake", LATER | OUTSIDE | POLICY),
        ("decide", LATER | OUTSIDE),
        ("converge", LATER),
    ],
)
def test_a_ready_function_has_loaded_nothing_for_later(
    function: str, absent: frozenset[str], tmp_path: Path
) -> None:
    modules = said(READY, str(prepared(tmp_path)), function)

    assert f"functions.{function}.handler" in modules
    assert modules & absent == set()


def test_what_is_loaded_later_would_be_seen(tmp_path: Path) -> None:
    modules = said(READY, str(prepared(tmp_path)), "notify")

    assert modules >= {"aiohttp", "jinja2", "keylease.ports.chat", "keylease.ports.handover"}


def test_no_section_is_built_before_there_are_settings() -> None:
    assert said(BUILT) == set()
