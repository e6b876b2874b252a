"""A keylease with counterparts on loopback: an emulated cloud, a receiver of events, a Slack."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keylease.cli.demo_receiver import Receiver, receiving
from keylease.cli.demo_stage import made_secrets, write_files
from keylease.domain.secret import Secret
from keylease.emulator import running as emulating
from keylease.emulator.slack import slack_stand_in
from keylease.runtime.settings import Settings, read_settings

PUBLIC = "https://keylease.example.com"
BILLING = "urn:billing"


@dataclass(frozen=True, slots=True)
class Staged:
    """What stands around a host under test."""

    folder: Path
    receiver: Receiver
    variables: Mapping[str, str] = field(repr=False)

    @property
    def settings(self) -> Settings:
        return read_settings(self.folder / "keylease.yaml", variables=self.variables)

    @property
    def environment(self) -> Mapping[str, str]:
        """The same settings for a process of its own."""
        return {**self.variables, "KEYLEASE_CONFIG": str(self.folder / "keylease.yaml")}

    @property
    def bearer(self) -> str:
        """What proves the billing service over HTTP."""
        return self.variables["DEMO_BILLING_TOKEN"]


@asynccontextmanager
async def staged(folder: Path, /) -> AsyncIterator[Staged]:
    """Set it up; billing may ask over HTTP and through a queue, and nothing rotates."""
    made = made_secrets()
    write_files(folder)
    catalog = folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().partition("standing:")[0])
    async with AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(emulating())
        _, slack = await stack.enter_async_context(
            slack_stand_in(token=made["DEMO_SLACK_BOT_TOKEN"])
        )
        receiver = await stack.enter_async_context(receiving(Secret(made["DEMO_SINK_SECRET"])))
        addresses = {
            "KEYLEASE_PUBLIC_URL": PUBLIC,
            "KEYLEASE_ALIBABA__ENDPOINTS": json.dumps(
                {"rocketmq": cloud.url, "r-kvstore": cloud.url}
            ),
            "KEYLEASE_EVENTS__PRODUCERS__BILLING__QUEUED": "true",
            "KEYLEASE_SLACK__DEMO__UNSAFE_API_URL": slack,
            "KEYLEASE_SINKS__EVENTS__URL": receiver.url,
        }
        yield Staged(folder=folder, receiver=receiver, variables=made | addresses)


def asking(id_: str = "ask-1", /, **attributes: Any) -> dict[str, Any]:
    """A CloudEvent of the billing service that asks for access."""
    content = {"entitlement": "orders-consumer", "duration": "5m", "reason": "INC-4711 replay"}
    envelope = {
        "specversion": "1.0",
        "id": id_,
        "source": BILLING,
        "type": "io.keylease.access.request.v1",
        "data": content,
    }
    return {**envelope, **attributes}
