"""Requests that come through a queue: who may write into it is proved by the queue's own rights.

So each producer is believed by its `source` alone, but only where a setting says that it may come
this way; over HTTP the same producer still has to prove itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from pydantic_core import to_json

from keylease.adapters.cloudevents.codec import check_size, read_document
from keylease.adapters.cloudevents.door import Producer, arrived
from keylease.domain.intake import Arrived
from keylease.errors import NotGenuine


@dataclass(frozen=True, slots=True)
class QueueDoor:
    """All producers that may come through the queue."""

    producers: tuple[Producer, ...]

    def open(self, document: Mapping[str, JsonValue], /) -> Arrived:
        """The message in a CloudEvent.

        Raises:
            NotGenuine: no producer of that source may come this way.
            BadInput: not an event, or not understood.
        """
        check_size(len(to_json(document)))
        event = read_document(dict(document))
        for producer in self.producers:
            if event.source in producer.sources:
                return arrived(event, producer=producer)
        raise NotGenuine("source_not_queued")
