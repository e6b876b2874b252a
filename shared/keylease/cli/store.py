"""store: moving everything to another database."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from keylease.cli.options import Config
from keylease.cli.options import settings as read
from keylease.errors import BadInput
from keylease.ports.moving import Totals
from keylease.runtime.copying import Report, copied
from keylease.runtime.logging import configure_logging
from keylease.runtime.settings import Settings, environment
from keylease.runtime.store_address import SQLITE, store_address
from keylease.runtime.stores import open_copy, open_origin

store = typer.Typer(no_args_is_help=True, help="Move the store.", rich_markup_mode=None)


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(store, name="store")


@store.command("copy")
def copy(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///PATH or postgresql://…")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; it must be empty.")],
    *,
    config: Config = None,
) -> None:
    """Copy records, inbox, outbox and audit log to another store, then compare.

    Stop keylease first. A copy that was interrupted goes on when it is run again; a store that is
    half a copy does not open. Passwords come from the settings: postgres.password, or PGPASSWORD.
    """
    settings = read(config)
    configure_logging(level="warning", stream=sys.stderr)
    ends = _located("FROM", origin), _located("TO", target)
    if ends[0] == ends[1]:
        msg = "is the store that is copied; name another one"
        raise BadInput(msg, field="TO")
    with _progress() as progress:
        found = asyncio.run(_copied(*ends, settings=settings, report=_Bars(progress)))
    if found is None:
        typer.echo("it was copied before; there is nothing to do")
        return
    typer.echo(f"copied {', '.join(f'{count} {what}' for what, count in found.items())}")
    typer.echo("now name it in the settings under store")


async def _copied(origin: str, target: str, *, settings: Settings, report: Report) -> Totals | None:
    variables = environment()
    async with (
        open_origin(origin, settings, variables=variables) as rows,
        open_copy(target, settings, variables=variables) as into,
    ):
        return await copied(rows, into, name=_shown(origin), report=report)


def _located(field: str, address: str) -> str:
    """With its path made absolute: paths of the command line start where it is typed."""
    try:
        return store_address(address, located=lambda path: path.expanduser().absolute())
    except ValueError as e:
        raise BadInput(str(e), field=field) from e


def _shown(address: str) -> str:
    """What a copy remembers of where it came from: no user, no options."""
    if address.startswith(SQLITE):
        return address
    scheme, _, rest = address.partition("?")[0].partition("//")
    return f"{scheme}//{rest.rpartition('@')[2]}"


class _Bars:
    """One bar for each kind of thing."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.bars: dict[str, TaskID] = {}

    def __call__(self, what: str, /, *, done: int, of: int) -> None:
        if what not in self.bars:
            self.bars[what] = self.progress.add_task(what, total=of)
        self.progress.update(self.bars[what], completed=done, total=of)


def _progress() -> Progress:
    columns = (TextColumn("{task.description:13}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(stderr=True))
