"""worker and intake: the two halves of a keylease that runs in many processes."""

import asyncio
import sys
from typing import Annotated

import typer

from keylease.cli.options import Config, settings
from keylease.cli.serve import Level
from keylease.runtime.logging import configure_logging

LogLevel = Annotated[Level, typer.Option(help="Say nothing below it.")]
Pretty = Annotated[
    bool | None,
    typer.Option("--pretty/--json-logs", help="Logs for people; the default on a terminal."),
]


def register(app: typer.Typer, /) -> None:
    """Add the commands."""
    app.command("worker")(worker)
    app.command("intake")(intake)


def worker(
    *,
    config: Config = None,
    functions: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Run these only, such as decide,converge."),
    ] = None,
    log_level: LogLevel = Level.INFO,
    pretty: Pretty = None,
) -> None:
    """Run functions on what the bus brings, until SIGTERM or Ctrl-C; any number of workers."""
    from keylease.hosts.worker import WORKERS, work  # noqa: PLC0415  # loads the whole host

    _log(log_level, pretty=pretty)
    chosen = WORKERS
    if functions is not None:
        chosen = frozenset(filter(None, (name.strip() for name in functions.split(","))))
    asyncio.run(work(settings(config), announce=say, functions=chosen))


def intake(
    *,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Listen there instead.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen there instead; 0 finds a free one.")
    ] = None,
    log_level: LogLevel = Level.INFO,
    pretty: Pretty = None,
) -> None:
    """Take in requests and hand out credentials over HTTP; workers do the rest."""
    from keylease.hosts.intake import take_in  # noqa: PLC0415  # loads the whole host

    _log(log_level, pretty=pretty)
    asyncio.run(take_in(settings(config, host=host, port=port), announce=say))


def say(line: str, /) -> None:
    """For whoever started the process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _log(level: Level, *, pretty: bool | None) -> None:
    from keylease.cli.pretty import render_line  # noqa: PLC0415  # only here

    is_pretty = sys.stdout.isatty() if pretty is None else pretty
    configure_logging(level=level, render=render_line if is_pretty else None)
