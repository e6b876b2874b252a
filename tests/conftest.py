"""What every test stands on: loopback only, no proxies, one Hypothesis profile, a browser."""

import logging
import os
import shutil
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.network import stay_here

pytest_plugins = ["tests.support.postgres_databases"]
ENVIRON = os.environ  # noqa: TID251  # tests run before any settings exist
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")

stay_here()
for proxy in PROXIES:
    ENVIRON.pop(proxy, None)
    ENVIRON.pop(proxy.upper(), None)

# Two workers share two cores with whatever else runs: a slow example is not a wrong one.
settings.register_profile(
    "quick",
    max_examples=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=2_000)
settings.load_profile("long" if ENVIRON.get("KEYLEASE_LONG") == "1" else "quick")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a headless browser. CI requires one; elsewhere its tests are skipped."""
    found = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if found:
        return found
    if ENVIRON.get("KEYLEASE_REQUIRE_CHROMIUM") == "1":
        pytest.fail("Chromium is required here and not installed")
    pytest.skip("no Chromium on this machine")


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """What a test sets up for its log lines ends with it: its streams are closed by then."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
