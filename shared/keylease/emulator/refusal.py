"""Every way the emulator says no, as a value that one place turns into an HTTP answer."""

from collections.abc import Mapping

from keylease.errors import KeyleaseError


class Refusal(KeyleaseError):
    """A service refuses: it becomes the envelope of the product that was asked."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.detail = detail
        """The RAM denial detail, when the refusal is one."""


class GatewayRefusal(Refusal):
    """The gateway in front of all products refuses: always the UpperCamel envelope."""


def missing(parameter: str) -> Refusal:
    return Refusal(
        f"Missing{parameter[:1].upper()}{parameter[1:]}",
        f"Parameter {parameter} is mandatory for this action .",
    )
