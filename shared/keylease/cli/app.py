"""All commands, put together; each group is a module of its own."""

from collections.abc import Sequence
from importlib.metadata import version

import typer

from keylease.cli import (
    ask,
    audit,
    config,
    demo,
    dlq,
    doctor,
    emulator,
    keys,
    parked,
    policy,
    rotate,
    schema,
    serve,
    store,
    worker,
)
from keylease.cli.exits import EXPLAINED, Code, code_of, report_fault
from keylease.errors import KeyleaseError

HELP = f"""Time-boxed access to message queues and caches, leased and taken back on time.

{EXPLAINED}
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    serve,
    worker,
    demo,
    emulator,
    ask,
    rotate,
    policy,
    config,
    doctor,
    schema,
    keys,
    parked,
    dlq,
    audit,
    store,
):
    group.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keylease {version('keylease')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    del version


def run(arguments: Sequence[str], /) -> int:
    """Run one command; returns its exit code."""
    try:
        app(args=list(arguments), prog_name="keylease")
    except SystemExit as e:  # how the library ends, after it has said what was wrong
        return e.code if isinstance(e.code, int) else Code.OK
    except KeyleaseError as e:
        typer.echo(f"keylease: {e}", err=True)
        return code_of(e)
    except Exception:  # noqa: BLE001  # whatever it is, a person reads it here
        report_fault()
        return Code.SYSTEM
    return Code.OK
