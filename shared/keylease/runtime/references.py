"""Secrets in settings: written as a reference, read once, revealed only to what needs them."""

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from keylease.domain.secret import REDACTED, Secret
from keylease.errors import Misconfigured

FORMS = "write {env: NAME} or {file: PATH}"
LONGEST = 64 * 1024


class FromEnvironment(str):
    """A text that a `KEYLEASE_` variable brought; there a secret may stand in clear."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What settings are read against."""

    folder: Path
    """Relative paths start here."""
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sourced:
    """A secret and where it came from.

    A missing one is no error until somebody needs it: a deploy unit has only its own secrets.
    """

    where: str
    value: Secret | None = None
    problem: str = ""

    def secret(self) -> Secret:
        """The secret.

        Raises:
            Misconfigured: it could not be read; says why.
        """
        if self.value is None:
            raise Misconfigured(self.problem)
        return self.value


def _read(value: object, validation: ValidationInfo) -> Sourced:
    context = validation.context
    assert isinstance(context, Context)  # noqa: S101  # read_settings gives it
    match value:
        case Sourced():
            return value
        case FromEnvironment():
            return Sourced("a KEYLEASE_ variable", Secret(str(value)))
        case {"env": str(name), **rest} if not rest:
            return _from_environment(name, context.environment)
        case {"file": str(path), **rest} if not rest:
            return _from_file(context.folder / Path(path).expanduser())
        case str():
            msg = f"a secret does not stand in this file; {FORMS}"
            raise ValueError(msg)
    raise ValueError(FORMS)


def _from_environment(name: str, environment: Mapping[str, str]) -> Sourced:
    where = f"environment variable {name}"
    text = environment.get(name, "")
    if not text:
        return Sourced(where, problem=f"{where} is not set; set it and start again")
    return Sourced(where, Secret(text))


def _from_file(path: Path) -> Sourced:
    where = f"file {path}"
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            problem = f"{where} may be read by others; run: chmod 600 {path}"
            return Sourced(where, problem=problem)
        if status.st_size > LONGEST:
            return Sourced(where, problem=f"{where} is too long for a secret; is it the right one?")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        problem = f"{where} cannot be read ({type(e).__name__}); create it with mode 0600"
        return Sourced(where, problem=problem)
    if not text:
        return Sourced(where, problem=f"{where} is empty; put the secret into it")
    return Sourced(where, Secret(text))


def _shown(_: Any) -> str:  # noqa: ANN401  # whatever it is, it is not shown
    return REDACTED


SecretRef = Annotated[
    Sourced,
    PlainValidator(_read),
    PlainSerializer(_shown),
    WithJsonSchema(
        {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {name: {"type": "string"}},
                    "required": [name],
                    "additionalProperties": False,
                }
                for name in ("env", "file")
            ]
        }
    ),
]
"""A field that holds a secret by reference."""


@contextmanager
def placed(place: str, /) -> Iterator[None]:
    """Parts know what is wrong with a secret, and not where in the settings it stands."""
    try:
        yield
    except Misconfigured as e:
        msg = f"{place}: {e}"
        raise Misconfigured(msg) from e
