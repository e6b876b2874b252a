"""From settings to buses of EventBridge; apart, as other sinks sign nothing for the cloud."""

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.adapters.alibaba.eventbridge import EventBridgeSink
from keylease.ports.sinks import Sink
from keylease.runtime import sections
from keylease.runtime.filling import Parts
from keylease.runtime.settings import Settings


async def buses(settings: Settings, /, *, parts: Parts) -> tuple[Sink, ...]:
    """All that result events go to."""
    return tuple(
        [
            await bus(section, settings, parts=parts)
            for section in settings.sinks.values()
            if isinstance(section, sections.EventBridgeSink)
        ]
    )


async def bus(
    section: sections.EventBridgeSink, settings: Settings, /, *, parts: Parts
) -> EventBridgeSink:
    """One of them."""
    return EventBridgeSink(
        client=await parts.get(AlibabaClient),
        bus=section.bus,
        region=section.region or settings.alibaba.region,
        source=settings.base_url,
    )
