"""audit: who did what, about one request, lease, account or target.

Entries stand under a request or an account. What is asked for leads to both: a lease to its
request and to what was done on its account for it, an account to the requests of its leases.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from keylease.cli.acting import act
from keylease.cli.exits import Code, fail
from keylease.cli.options import Config, Json, print_json
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.duration import parse_duration
from keylease.domain.lease import Lease
from keylease.domain.request import Request
from keylease.errors import BadInput
from keylease.ports.store import Store
from keylease.runtime.wiring import Keylease

MOST = 1_000_000
"""Entries of one request or account, and records of one target: all that there are."""

Entries = list[AuditEntry]
When = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Such as 2026-01-31T08:00Z, or how long ago: 2h."),
]


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    about: Annotated[
        str, typer.Argument(metavar="ABOUT", help="A request, lease, account or target.")
    ],
    *,
    since: When = None,
    until: When = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show who did what, oldest first. A target shows what led to an account on it."""

    async def work(keylease: Keylease) -> Entries:
        now = keylease.clock.now()
        first = moment(since, now=now, option="--since")
        last = moment(until, now=now, option="--until")
        found = sorted(await Trail(keylease.store).about(about), key=lambda entry: entry.at)
        if not found:
            fail(f"the audit log says nothing about {about!r}", code=Code.NOT_FOUND)
        return [one for one in found if (first or one.at) <= one.at <= (last or one.at)]

    entries = act(config, work, functions=frozenset())
    if json:
        print_json([entry.model_dump(mode="json") for entry in entries])
        return
    for entry in entries:
        typer.echo(_line(entry))
    if not entries:
        typer.echo("nothing in that time")


@dataclass(frozen=True, slots=True)
class Trail:
    """Finds entries by the records that tie them together."""

    store: Store

    async def about(self, id_: str, /) -> Entries:
        """All of them, in no order."""
        lease = await self.store.load(Lease, id_)
        if lease is not None:
            return [*await self._under(lease.request_id), *await self._on_account(lease)]
        accounts = await self.store.children(Account, id_, only_open=False, limit=MOST)
        ids = dict.fromkeys((id_, *(account.id for account in accounts)))
        found = [entry for one in ids for entry in await self._of_account(one)]
        request = await self.store.load(Request, id_)
        lease = await self.store.load(Lease, request.lease_id or "") if request else None
        return [*found, *(await self._on_account(lease) if lease else ())]

    async def _of_account(self, id_: str) -> Entries:
        """Its own entries, and those of the requests that were about it."""
        leases = await self.store.children(Lease, id_, only_open=False, limit=MOST)
        subjects = dict.fromkeys((id_, *(lease.request_id for lease in leases)))
        return [entry for one in subjects for entry in await self._under(one)]

    async def _on_account(self, lease: Lease) -> Entries:
        """What was done on its account for this lease."""
        entries = await self._under(lease.account_id)
        return [one for one in entries if _names(one.detail.get("leases"), lease.id)]

    async def _under(self, subject: str) -> Iterable[AuditEntry]:
        return await self.store.audit(subject=subject, limit=MOST)


def _names(ids: object, id_: str) -> bool:
    return isinstance(ids, list) and id_ in ids


def moment(text: str | None, /, *, now: datetime, option: str) -> datetime | None:
    """An instant, or one so long ago.

    Raises:
        BadInput: it is neither.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return now - parse_duration(text)
    except BadInput as e:
        msg = f"{text!r} is no time; write it like 2026-01-31T08:00Z, or 2h for two hours ago"
        raise BadInput(msg, field=option) from e


def _line(entry: AuditEntry) -> str:
    """Time in UTC, and what is known; what is empty is left out."""
    facts = (f"{name}={_word(fact)}" for name, fact in entry.detail.items() if fact)
    at = entry.at.astimezone(UTC)
    return "  ".join((f"{at:%Y-%m-%d %H:%M:%S}Z", entry.action, entry.subject, entry.actor, *facts))


def _word(fact: object) -> str:
    return "; ".join(str(one) for one in fact) if isinstance(fact, list) else str(fact)
