"""serve: all functions in one process."""

import asyncio
import sys
from enum import StrEnum
from typing import Annotated

import typer

from keylease.cli.options import Config, settings
from keylease.runtime.logging import configure_logging


class Level(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    *,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Listen there instead.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen there instead; 0 finds a free one.")
    ] = None,
    log_level: Annotated[Level, typer.Option(help="Say nothing below it.")] = Level.INFO,
    pretty: Annotated[
        bool | None,
        typer.Option("--pretty/--json-logs", help="Logs for people; the default on a terminal."),
    ] = None,
) -> None:
    """Run keylease here: HTTP, timers and delivery in one process, until SIGTERM or Ctrl-C."""
    from keylease.cli.pretty import render_line  # noqa: PLC0415  # only here
    from keylease.hosts.local import serve as run  # noqa: PLC0415  # loads the whole server

    is_pretty = sys.stdout.isatty() if pretty is None else pretty
    configure_logging(level=log_level, render=render_line if is_pretty else None)
    found = settings(config, host=host, port=port)
    asyncio.run(run(found, announce=_say))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
