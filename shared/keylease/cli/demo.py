"""demo: the whole of keylease in half a minute, on this machine alone."""

import asyncio
from io import StringIO
from pathlib import Path
from typing import Annotated, TextIO

import typer

from keylease.cli.exits import Code
from keylease.errors import BadInput


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    *,
    logs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep keylease's own log lines there.")
    ] = None,
) -> None:
    """Play the whole story against a local cloud, a real Redis server and a local Slack.

    Needs no account anywhere and leaves nothing behind. Exits with 1 when a promise is not kept.
    """
    from keylease.cli.demo_play import play  # noqa: PLC0415  # loads server, emulator and all

    with StringIO() if logs is None else _opened(logs) as stream:
        broken = asyncio.run(play(stream))
    if broken:
        raise typer.Exit(Code.REFUSED)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as e:
        msg = f"{path} cannot be written ({e.strerror}); name a file in a folder that is there"
        raise BadInput(msg, field="--logs") from e
