"""As a program the emulator says where it listens, and a signal ends it cleanly."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from keylease.emulator import running
from keylease.errors import Misconfigured
from tests.emulator.sdk import official_sdk

WORLD = Path(__file__).parent / "data" / "world.yaml"


async def started(arguments: str = "") -> asyncio.subprocess.Process:
    code = (
        "import asyncio, pathlib; from keylease.emulator import main_async; "
        f"asyncio.run(main_async({arguments}))"
    )
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-X", "dev", "-W", "error", "-c", code),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ready_url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("ready http://127.0.0.1:")
    return line.removeprefix("ready ").strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal_and_says_nothing_else(number: signal.Signals) -> None:
    process = await started()
    sdk = official_sdk(await ready_url(process), mode="async")

    shown = await sdk.rocketmq("get_instance", "rmq-cn-demo0001")
    process.send_signal(number)
    rest, errors = await process.communicate()

    assert shown["success"] is True
    assert (process.returncode, rest, errors) == (0, b"", b"")


async def test_a_taken_port_is_refused_in_words() -> None:
    async with running() as first:
        with pytest.raises(Misconfigured, match="choose another --port"):
            async with running(port=first.site.port):
                pytest.fail("two listen on one port")


async def test_it_reads_a_world_file() -> None:
    process = await started(f"world_file=pathlib.Path({str(WORLD)!r})")
    url = await ready_url(process)
    sdk = official_sdk(url, mode="async", key_id="other", secret="other-secret")

    topic = await sdk.rocketmq("get_topic", "rmq-cn-other001", "audit")
    process.terminate()
    await process.communicate()

    assert topic["data"]["messageType"] == "FIFO"
