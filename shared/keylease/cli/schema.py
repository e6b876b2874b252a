"""schema: JSON Schemas of everything that people write, for their editors."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from keylease.cli.options import print_json


class Kind(StrEnum):
    """What has a schema."""

    POLICY = "policy"
    CATALOG = "catalog"
    DIRECTORY = "directory"
    CASES = "cases"
    WEBHOOK = "webhook"
    CONFIG = "config"


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema(
    kind: Annotated[Kind, typer.Argument(help="Of which file or message.")] = Kind.POLICY,
) -> None:
    """Print a JSON Schema; point your editor at it."""
    print_json(_schema(kind))


def _schema(kind: Kind) -> Any:  # noqa: ANN401  # JSON
    if kind is Kind.WEBHOOK:
        from keylease.adapters.webhook.schema import schema as webhook  # noqa: PLC0415  # one of many

        return webhook()
    if kind is Kind.CONFIG:
        from keylease.runtime.settings import Settings  # noqa: PLC0415  # one of many

        document = Settings.model_json_schema()
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}
    from keylease.adapters.files.schemas import schema as of_file  # noqa: PLC0415  # one of many

    return of_file(kind)
