"""The published JSON Schema of the webhook's messages, for editors and for scripts' authors."""

import json
from typing import Any

from pydantic import TypeAdapter

from keylease.domain.filing import Message


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one message."""
    document = TypeAdapter[Any](Message).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "keylease webhook message",
        **document,
    }


def schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
