"""keys: making sealing keys."""

import os
from pathlib import Path
from typing import Annotated

import typer

from keylease.adapters.system.sealing import new_key
from keylease.errors import BadInput

keys = typer.Typer(no_args_is_help=True, help="Make sealing keys.", rich_markup_mode=None)


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(keys, name="keys")


@keys.command("new")
def new(
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there, readable by you alone (mode 0600)."),
    ] = None,
) -> None:
    """Make a sealing key and print it, or write it to a new file."""
    key = new_key().reveal()
    if out is None:
        typer.echo(key)
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as e:
        msg = f"{out} cannot be made ({e.strerror}); name a file that is not there yet"
        raise BadInput(msg, field="--out") from e
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{key}\n")
    typer.echo(f"wrote {out}; keep a copy where the store's backups are not")
