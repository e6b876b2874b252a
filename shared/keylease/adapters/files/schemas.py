"""JSON Schemas of the files that people write, for their editors."""

from typing import Final

from pydantic import BaseModel, JsonValue

from keylease.adapters.files.catalog_model import CatalogFile
from keylease.adapters.files.directory_model import DirectoryFile
from keylease.errors import BadInput
from keylease.policy.cases import CaseFile
from keylease.policy.model import RuleFile

MODELS: Final[dict[str, type[BaseModel]]] = {
    "policy": RuleFile,
    "catalog": CatalogFile,
    "directory": DirectoryFile,
    "cases": CaseFile,
}


def schema(name: str, /) -> dict[str, JsonValue]:
    """The JSON Schema (2020-12) of one kind of file."""
    if name not in MODELS:
        msg = f"no schema {name!r}; there are {', '.join(MODELS)}"
        raise BadInput(msg, field="schema")
    found: dict[str, JsonValue] = MODELS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
