"""Sections that cost nothing where they are not given: most installations use a few of them."""

from functools import cached_property
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_SECTION = "section"


class WhenGiven:
    """Marks a field whose validator is built when there is something to validate.

    Mistakes inside of it are reported at their place, as if it were built with the rest.
    """

    def __get_pydantic_core_schema__(self, kind: Any, _: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401  # any type
        section = _Section(kind)
        return core_schema.with_info_plain_validator_function(
            section.validate, metadata={_SECTION: section}
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        section: _Section = schema["metadata"][_SECTION]
        return handler(section.adapter.core_schema)


class _Section:
    """One type, and its validator once it was needed."""

    def __init__(self, kind: Any, /) -> None:  # noqa: ANN401  # any type
        self.kind = kind

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.kind)

    def validate(self, value: object, validation: ValidationInfo) -> Any:  # noqa: ANN401  # any type
        return self.adapter.validate_python(value, context=validation.context)
