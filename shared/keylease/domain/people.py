"""Who acts: people and workloads, known by immutable ids, never by a name that can be changed."""

from keylease.domain.record import Value


class ExternalId(Value):
    """How an outside system knows somebody: the directory maps it to one principal."""

    platform: str
    """`slack`, `webhook`, `cloudevents`, `cli`."""
    tenant: str
    """The workspace or tenant that vouches for `subject`."""
    subject: str
    """The immutable user id there, such as Slack's `U0REQ0001`."""

    def __str__(self) -> str:
        return f"{self.platform}:{self.tenant}:{self.subject}"


class Principal(Value):
    """An authenticated person or workload that asks, reviews or holds access."""

    id: str
    name: str = ""
    """For display only."""
    groups: frozenset[str] = frozenset()
    is_workload: bool = False
    addresses: tuple[ExternalId, ...] = ()
    """Where the principal can be told something that nobody else sees."""
