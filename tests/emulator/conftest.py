"""A running emulator and the official SDK at it; time stands still until a test moves it."""

from collections.abc import AsyncIterator

import pytest

from keylease.emulator import Emulator, running
from keylease.emulator.clock import wall_clock
from tests.emulator.sdk import Mode, Sdk, official_sdk

PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The async SDK honours proxies even for loopback."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Frozen at the moment of its start: the SDK signs with the machine's clock."""
    started_at = wall_clock()
    async with running(clock=lambda: started_at) as emulator:
        yield emulator


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> Mode:
    chosen: Mode = request.param
    return chosen


@pytest.fixture
def sdk(emulator: Emulator) -> Sdk:
    return official_sdk(emulator.url, mode="async")


@pytest.fixture
def either_sdk(emulator: Emulator, mode: Mode) -> Sdk:
    return official_sdk(emulator.url, mode=mode)
