"""Where result events go."""

from typing import Protocol

from keylease.domain.events import Event


class Sink(Protocol):
    """Delivers CloudEvents to one outside place, at least once, in order per subject."""

    async def deliver(self, event: Event, /) -> None:
        """Hand it over. A second delivery of the same id is harmless to the receiver.

        Raises:
            ProviderTransient | ProviderBusy | ProviderAmbiguous: try again later.
            ProviderRefused: it will never be taken.
        """
        ...
