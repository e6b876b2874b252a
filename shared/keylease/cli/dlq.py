"""dlq: messages that workers took off the bus, with the reason, and sending them on again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from keylease.cli.exits import Code, fail
from keylease.cli.options import Config, Json, print_json, settings
from keylease.ports.transport import Dead, DeadLetters
from keylease.runtime.bus import open_bus
from keylease.runtime.logging import configure_logging

dlq = typer.Typer(no_args_is_help=True, help="Dead letters of the bus.", rich_markup_mode=None)
MOST = 1000
T = TypeVar("T")
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="As `dlq list` shows it.")]


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(dlq, name="dlq")


@dlq.command("list")
def list_(*, config: Config = None, json: Json = False) -> None:
    """Show what was buried, with its reason."""
    found = _with(config, lambda dead: dead.listed(limit=MOST))
    if json:
        print_json([_described(one) for one in found])
        return
    for one in found:
        about = one.parcel.outgoing.event if one.parcel else None
        typer.echo(
            f"{one.number}  {one.at:%Y-%m-%d %H:%M:%S}  {one.function}  "
            f"{about.type if about else 'not ours'}  {about.subject if about else ''}\n"
            f"    {_plain(one.reason)}"
        )
    if not found:
        typer.echo("no dead letters")


@dlq.command("show")
def show(number: Number, *, config: Config = None) -> None:
    """Show one of them, with what it holds."""
    one = _with(config, lambda dead: dead.found(number))
    if one is None:
        fail(f"there is no dead letter {number}; see `keylease dlq list`", code=Code.NOT_FOUND)
    event = one.parcel.outgoing.event.model_dump(mode="json") if one.parcel else None
    raw = None if one.parcel else one.body.decode(errors="backslashreplace")
    print_json(_described(one) | ({"content": event} if event else {"raw": raw}))


@dlq.command("replay")
def replay(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", min=1, help="As `dlq list` shows it.")
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    config: Config = None,
) -> None:
    """Send dead letters on their way again, after what buried them was mended."""
    if (number is None) is not all_:
        fail("give the number of one dead letter, or --all", code=Code.USAGE)

    async def again(dead: DeadLetters) -> int:
        one = await dead.found(number) if number is not None else None
        found = await dead.listed(limit=MOST) if all_ else tuple(x for x in (one,) if x)
        for each in found:
            await dead.replay(each)
        return len(found)

    count = _with(config, again)
    if not count and not all_:
        fail(f"there is no dead letter {number}; see `keylease dlq list`", code=Code.NOT_FOUND)
    typer.echo(f"{count} on the way again")


def _with(config: Path | None, work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    found = settings(config)
    configure_logging(level="warning")

    async def once() -> T:
        async with open_bus(found) as bus:
            return await work(bus.dead)

    return asyncio.run(once())


def _described(one: Dead) -> dict[str, object]:
    event = one.parcel.outgoing.event if one.parcel else None
    return {
        "number": one.number,
        "at": one.at.isoformat(),
        "function": one.function,
        "reason": one.reason,
        "event": event.type if event else None,
        "subject": event.subject if event else None,
        "event_id": event.id if event else None,
    }


def _plain(text: str) -> str:
    """Without control characters: whoever may write to the bus wrote some of it."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
