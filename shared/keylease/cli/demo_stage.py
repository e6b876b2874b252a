"""The stage of the demo: a cloud, a Slack, a Redis server, a receiver, and keylease among them.

Everything is real but the cloud and Slack, which are the local stand-ins; all of it listens on
loopback, lives in a temporary folder, and is gone with the context.
"""

import base64
import json
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

from pydantic import SecretStr

from keylease.adapters.system.sealing import new_key
from keylease.cli.demo_receiver import Receiver, receiving
from keylease.cli.demo_redis import RedisServer, redis_server
from keylease.converge.admit import standing_account
from keylease.domain.outcome import Outcome
from keylease.domain.secret import Secret
from keylease.emulator import Emulator, World, default_world
from keylease.emulator import running as emulating
from keylease.emulator.slack import FakeSlack, slack_stand_in
from keylease.emulator.world import RedisAccount
from keylease.ports.directory import Catalog
from keylease.runtime.settings import Settings, read_settings
from keylease.runtime.wiring import running

FILES = ("keylease.yaml", "policy.yaml", "catalog.yaml", "directory.yaml")
STANDING = "svc_cache"


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands around keylease, and how keylease is told of it."""

    folder: Path
    emulator: Emulator
    slack: FakeSlack
    redis: RedisServer
    receiver: Receiver
    variables: Mapping[str, str] = field(repr=False)
    standing_password: Secret = field(repr=False)

    @property
    def config(self) -> Path:
        return self.folder / "keylease.yaml"

    def settings(self) -> Settings:
        """The settings that keylease reads."""
        return read_settings(self.config, variables=self.variables)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Set it up, with fresh secrets."""
    password = Secret(f"A1{secrets.token_hex(12)}")
    made = made_secrets()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keylease-demo-")))
        redis = await stack.enter_async_context(redis_server())
        emulator = await stack.enter_async_context(
            emulating(world=_world(password), redis_url=redis.url)
        )
        slack, api = await stack.enter_async_context(
            slack_stand_in(token=made["DEMO_SLACK_BOT_TOKEN"])
        )
        receiver = await stack.enter_async_context(receiving(Secret(made["DEMO_SINK_SECRET"])))
        write_files(folder)
        yield Stage(
            folder=folder,
            emulator=emulator,
            slack=slack,
            redis=redis,
            receiver=receiver,
            variables=made | _addresses(cloud=emulator.url, slack=api, sink=receiver.url),
            standing_password=password,
        )


def made_secrets() -> dict[str, str]:
    """Fresh ones for every run."""
    return {
        "DEMO_SEALING_KEY": new_key().reveal(),
        "DEMO_SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "DEMO_SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(12)}",
        "DEMO_TICKETS_SECRET": _webhook_secret(),
        "DEMO_BILLING_TOKEN": secrets.token_urlsafe(32),
        "DEMO_SINK_SECRET": _webhook_secret(),
        "DEMO_CLOUD_SECRET": default_world().access_keys[0].secret.get_secret_value(),
    }


def write_files(folder: Path, /) -> None:
    """Settings, policy, catalog and directory, as a person would write them."""
    source = files("keylease.cli") / "demo_files"
    for name in FILES:
        text = (source / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")


async def grow_old(settings: Settings, /, *, rotates_in: timedelta) -> None:
    """Enrol the standing accounts as if their last rotation was nearly a whole period ago."""
    async with running(settings, functions=()) as keylease:
        due_at = keylease.clock.now() + rotates_in
        catalog = await keylease.parts.get(Catalog)
        accounts = tuple(
            standing_account(one).evolve(rotation=one.rotation, rotate_at=due_at, owner=one.owner)
            for one in catalog.standing()
        )
        await keylease.process.commits.commit(Outcome(records=accounts))


def _world(password: Secret) -> World:
    """The emulator's own world, and a service that has an account already."""
    world = default_world()
    account = RedisAccount(name=STANDING, password=SecretStr(password.reveal()))
    redis = tuple(one.model_copy(update={"accounts": (account,)}) for one in world.redis)
    return world.model_copy(update={"redis": redis})


def _addresses(*, cloud: str, slack: str, sink: str) -> dict[str, str]:
    return {
        "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps({"rocketmq": cloud, "r-kvstore": cloud}),
        "KEYLEASE_SLACK__DEMO__UNSAFE_API_URL": slack,
        "KEYLEASE_SINKS__EVENTS__URL": sink,
    }


def _webhook_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
