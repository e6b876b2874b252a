"""Exit codes and last words: every mistake ends with what to do next, never with a traceback."""

import sys
import traceback
from enum import IntEnum
from typing import NoReturn

import typer

from keylease.errors import (
    BadInput,
    Conflict,
    KeyleaseError,
    Misconfigured,
    NotGenuine,
    ProviderNotFound,
)


class Code(IntEnum):
    """What a script may rely on."""

    OK = 0
    REFUSED = 1
    """Understood, and refused or failed."""
    USAGE = 2
    """Wrong usage, input or configuration."""
    NOT_FOUND = 3
    CONFLICT = 4
    """Somebody else was quicker; look again."""
    SYSTEM = 5
    """The cloud, the machine or keylease itself."""


EXPLAINED = (
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration, 3 not found, "
    "4 conflict, 5 a system fault, 130 stopped."
)


def fail(message: str, /, *, code: Code) -> NoReturn:
    """Say it and leave."""
    typer.echo(f"keylease: {message}", err=True)
    raise typer.Exit(code)


def code_of(error: KeyleaseError, /) -> Code:
    """How a script sees this error."""
    match error:
        case BadInput() | Misconfigured() | NotGenuine():
            return Code.USAGE
        case ProviderNotFound():
            return Code.NOT_FOUND
        case Conflict():
            return Code.CONFLICT
        case _:
            return Code.SYSTEM


def report_fault() -> None:
    """A fault of ours; tracebacks show no locals, so no secrets."""
    sys.stderr.write("keylease: this is a fault of keylease; please report it with these lines:\n")
    traceback.print_exc()
