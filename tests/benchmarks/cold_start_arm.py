"""One cold start in a fresh process: prints how many seconds it took.

    python -I tests/benchmarks/cold_start_arm.py ARM [SETTINGS] [--session]

`rich` and `typer` are not to be had, as where functions run: structlog imports rich when it can.
"""

import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()
ROOT = Path(__file__).parents[2]


def bare() -> None:
    import aiohttp  # noqa: F401, PLC0415  # what is timed
    import pydantic  # noqa: F401, PLC0415  # as above
    import structlog  # noqa: F401, PLC0415  # as above


def sdk() -> None:
    import alibabacloud_r_kvstore20150101.client  # noqa: F401, PLC0415  # what is timed
    import alibabacloud_rocketmq20220801.client  # noqa: F401, PLC0415  # as above


def function(name: str, settings: Path, /, *, session: bool) -> None:
    import asyncio  # noqa: PLC0415  # part of what is timed

    from keylease.runtime.settings import read_settings  # noqa: PLC0415  # as above
    from keylease.runtime.wiring import running  # noqa: PLC0415  # as above

    async def ready() -> None:
        async with running(read_settings(settings), functions={name}):
            if session:
                from keylease.adapters.system.http import AiohttpHttp  # noqa: PLC0415  # as above

                async with AiohttpHttp():
                    say()
            else:
                say()

    asyncio.run(ready())  # noqa: TID251  # a program owns its loop


def say() -> None:
    sys.stdout.write(f"{time.perf_counter() - BEGUN}\n")
    sys.stdout.flush()


def main(arm: str, *settings: str) -> None:
    if settings:
        function(arm, Path(settings[0]), session="--session" in settings)
        return
    {"bare": bare, "sdk": sdk}[arm]()
    say()


if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(("rich", "typer")))  # type: ignore[arg-type]  # None: absent
    sys.path[:0] = [str(ROOT / "shared"), str(ROOT)]
    main(*sys.argv[1:])
