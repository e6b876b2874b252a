"""Audit entries: who did what to which record, on which rule; part of the commit that does it."""

from datetime import datetime

from pydantic import JsonValue

from keylease.domain.record import Value


class AuditEntry(Value):
    """One line of the append-only record. Holds ids and words, never a secret."""

    at: datetime
    action: str
    """A dotted fact, such as `request.approved`."""
    subject: str
    actor: str
    """Principal id, or `keylease` for the machine itself."""
    detail: dict[str, JsonValue] = {}
