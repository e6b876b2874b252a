"""parked: events that need a person, and sending them on their way again."""

from typing import Annotated

import typer

from keylease.cli.acting import act
from keylease.cli.exits import Code, fail
from keylease.cli.options import Config, Json, print_json
from keylease.ports.store import Parked
from keylease.runtime.wiring import Keylease

parked = typer.Typer(no_args_is_help=True, help="Events that need a person.", rich_markup_mode=None)
MOST = 1000


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(parked, name="parked")


@parked.command("list")
def list_(*, config: Config = None, json: Json = False) -> None:
    """Show what was set aside, with its reason."""
    found = act(config, _all, functions=frozenset())
    if json:
        print_json([_described(one) for one in found])
        return
    for one in found:
        typer.echo(
            f"{one.parcel.seq}  {one.at:%Y-%m-%d %H:%M:%S}  {one.parcel.outgoing.destination}  "
            f"{one.parcel.outgoing.event.type}  {one.parcel.outgoing.event.subject}\n"
            f"    {one.reason}"
        )
    if not found:
        typer.echo("nothing is parked")


@parked.command("retry")
def retry(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="As `parked list` shows it.")
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is parked.")] = False,
    config: Config = None,
) -> None:
    """Send parked events on their way again, after what kept them was mended."""
    if (number is None) is not all_:
        fail("give the number of one event, or --all", code=Code.USAGE)

    async def work(keylease: Keylease) -> int:
        found = [one for one in await _all(keylease) if all_ or one.parcel.seq == number]
        for one in found:
            await keylease.store.unpark(one.parcel)
        return len(found)

    count = act(config, work, functions=frozenset())
    if not count and not all_:
        fail(f"nothing is parked under {number}; see `keylease parked list`", code=Code.NOT_FOUND)
    typer.echo(f"{count} on the way again")


async def _all(keylease: Keylease) -> tuple[Parked, ...]:
    return await keylease.store.parked(limit=MOST)


def _described(one: Parked) -> dict[str, object]:
    event = one.parcel.outgoing.event
    return {
        "number": one.parcel.seq,
        "at": one.at.isoformat(),
        "destination": one.parcel.outgoing.destination,
        "event": event.type,
        "subject": event.subject,
        "event_id": event.id,
        "attempts": one.parcel.attempts,
        "reason": one.reason,
    }
