"""Options that several commands share, and how they read settings."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from keylease.domain.duration import parse_duration
from keylease.errors import BadInput
from keylease.runtime.settings import Settings, read_settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="KEYLEASE_CONFIG",
        help="The settings file; keylease.yaml in this folder by default.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="KEYLEASE_AS",
        metavar="PERSON",
        help="Who acts: a person's id in the directory.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="TEXT",
        help="Makes a repeated command the same message, so that it acts once.",
    ),
]


def settings(config: Path | None, /, **changes: object) -> Settings:
    """Settings as the file and the variables say, with what the command line says on top."""
    given = {name: value for name, value in changes.items() if value is not None}
    found = read_settings(config)
    return found.model_copy(update=given) if given else found


def length(text: str, /) -> timedelta:
    """What --for says.

    Raises:
        BadInput: it is no duration.
    """
    try:
        return parse_duration(text)
    except BadInput as e:
        raise BadInput(str(e), field="--for", code=e.code) from e


def print_json(document: Any, /) -> None:  # noqa: ANN401  # whatever is JSON
    """One document on standard output."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
