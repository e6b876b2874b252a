"""rotate: give a standing account a new secret now."""

from typing import Annotated

import typer

from keylease.cli.acting import PLATFORM, act
from keylease.cli.exits import Code, fail
from keylease.cli.options import As, Config, Json, print_json
from keylease.domain.account import Account
from keylease.domain.audit import AuditEntry
from keylease.domain.events import RotationDue
from keylease.domain.outcome import Outcome
from keylease.ports.directory import Catalog, Directory
from keylease.runtime.wiring import Keylease


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("rotate")(rotate)


def rotate(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Target and user name: cache-prod/svc_cache.")
    ],
    who: As,
    *,
    config: Config = None,
    json: Json = False,
) -> None:
    """Rotate a standing account's secret now; its owner is told and claims the new one."""

    async def work(keylease: Keylease) -> str:
        return await _ask(keylease, account, who=who)

    problem = act(config, work)
    if problem:
        fail(problem, code=Code.NOT_FOUND)
    if json:
        print_json({"account": account, "asked": True})
    else:
        typer.echo(f"{account}: a new secret is on its way; `keylease serve` makes it")


async def _ask(keylease: Keylease, account: str, *, who: str) -> str:
    """Leave the wish in the outbox; returns what is wrong, if anything."""
    catalog = await keylease.parts.get(Catalog)
    if all(one.id != account for one in catalog.standing()):
        known = ", ".join(one.id for one in catalog.standing()) or "none"
        return f"no standing account is called {account!r}; there is {known}"
    directory = await keylease.parts.get(Directory)
    if await directory.principal(who) is None:
        return f"the directory has no {who!r}"
    if await keylease.store.load(Account, account) is None:
        return f"{account} is not enrolled yet; run `keylease serve` once, then try again"
    entry = AuditEntry(
        at=keylease.clock.now(),
        action="rotation.asked",
        subject=account,
        actor=who,
        detail={"source": PLATFORM, "tenant": keylease.settings.cli_tenant},
    )
    event = RotationDue(account_id=account, asked_by=who)
    await keylease.process.commits.commit(Outcome(events=(event,), audit=(entry,)))
    return ""
