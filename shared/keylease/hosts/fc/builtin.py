"""The built-in runtime: a plain `handler(event: bytes, context)` for each function.

`infra/package.py` writes `fc_entry.py`, which makes one `Entry` per function. Nothing is read when
it is imported: settings, store and doors open with the initializer or the first call, whichever
comes first, and again after pre-stop, which the platform also calls before it freezes an instance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keylease.hosts.fc.instance import Answer, Instance, live_environment
from keylease.hosts.fc.layer import check_layer
from keylease.hosts.fc.loop import KeptLoop
from keylease.runtime.settings import Settings

WITHOUT_CONTEXT = 60.0
"""Seconds for one call when the context does not say how long it may take."""
MARGIN = 0.5
"""Seconds that are left for the answer."""
CLOSING = 10.0


@dataclass(slots=True)
class Entry:
    """One function's three entrances."""

    name: str
    settings: Settings | None = None
    variables: Mapping[str, str] = field(default_factory=live_environment, repr=False)
    layer: str = ""
    """The dependency layer that the code was packaged with; empty: any."""
    _loop: KeptLoop = field(default_factory=KeptLoop)
    _instance: Instance | None = None

    def handler(self, event: bytes, context: object) -> Answer:
        """Any bytes at all give an answer.

        Raises:
            KeyleaseError: the store did not take it; the trigger shall send it again.
            TimeoutError: as above; it was cut before the platform would have done so.
        """
        seconds = seconds_of(context)
        work = self._kept().invoke(
            event, within=seconds - MARGIN, call_id=str(getattr(context, "request_id", ""))
        )
        return self._loop.run(work, within=seconds)

    def initialize(self, context: object) -> None:
        """Open everything before the first event; already open is success."""
        self._loop.run(self._kept().unit(), within=seconds_of(context))

    def pre_stop(self, context: object) -> None:
        """Close everything; already closed is success."""
        del context
        if self._instance is not None:
            self._loop.run(self._instance.close(), within=CLOSING)
            self._instance = None
        self._loop.close()

    def _kept(self) -> Instance:
        if self._instance is None:
            if self.layer:
                check_layer(self.layer)
            self._instance = Instance(self.name, settings=self.settings, variables=self.variables)
        return self._instance


def seconds_of(context: object, /) -> float:
    """How long a call may take, by its function's own timeout."""
    timeout = getattr(getattr(context, "function", None), "timeout", None)
    return float(timeout) if isinstance(timeout, int | float) and timeout > 0 else WITHOUT_CONTEXT
