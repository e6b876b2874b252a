"""config: check everything that a start would need, without starting."""

import typer

from keylease.cli.exits import Code
from keylease.cli.options import Config, Json, print_json, settings
from keylease.runtime.check import check_settings

config_app = typer.Typer(no_args_is_help=True, help="Check settings.", rich_markup_mode=None)


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(config_app, name="config")


@config_app.command("check")
def check(*, config: Config = None, json: Json = False) -> None:
    """Check settings, secrets, policy, catalog and directory offline; nothing is opened or sent."""
    found = settings(config)
    checked = check_settings(found)
    if json:
        print_json(
            {
                "ok": not checked.errors,
                "errors": list(checked.errors),
                "warnings": list(checked.warnings),
            }
        )
    else:
        for warning in checked.warnings:
            typer.echo(f"warning: {warning}")
        for error in checked.errors:
            typer.echo(f"error: {error}", err=True)
        typer.echo(checked.summary)
    if checked.errors:
        raise typer.Exit(Code.USAGE)
