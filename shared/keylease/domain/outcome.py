"""What a handler decided, to be committed all at once."""

from dataclasses import dataclass

from keylease.domain.audit import AuditEntry
from keylease.domain.events import EventData
from keylease.domain.record import Record


@dataclass(frozen=True, slots=True)
class Outcome:
    """Records, events and audit entries of one step."""

    records: tuple[Record, ...] = ()
    """To store, each with the version that was read."""
    guards: tuple[Record, ...] = ()
    """Read, not written, but the decision stands only while they are unchanged."""
    events: tuple[EventData, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


NOTHING = Outcome()
