"""doctor: is everything in order, and what should a person do?"""

import typer

from keylease.cli.acting import act
from keylease.cli.exits import Code
from keylease.cli.options import Config, Json, print_json
from keylease.runtime.check import counted
from keylease.runtime.doctor import Finding, Level, examine
from keylease.runtime.wiring import Keylease

MARKS = {Level.OK: "ok     ", Level.WARNING: "warning", Level.PROBLEM: "PROBLEM"}


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(*, config: Config = None, json: Json = False) -> None:
    """Check clock, credentials, targets, files and the promises of the running system.

    It changes no access. Exits with 1 when something needs a person.
    """

    async def work(keylease: Keylease) -> list[Finding]:
        found = []
        async for finding in examine(keylease.settings, parts=keylease.parts):
            found.append(finding)
            if not json:
                _show(finding)
        return found

    found = act(config, work, functions=frozenset())
    problems = sum(finding.level is Level.PROBLEM for finding in found)
    if json:
        findings = [
            {"check": one.check, "level": one.level.value, "message": one.message} for one in found
        ]
        print_json({"ok": not problems, "findings": findings})
    else:
        typer.echo(counted(problems, "problem") if problems else "everything is in order")
    if problems:
        raise typer.Exit(Code.REFUSED)


def _show(finding: Finding) -> None:
    tail = f": {finding.message}" if finding.message else ""
    typer.echo(f"{MARKS[finding.level]}  {finding.check}{tail}")
