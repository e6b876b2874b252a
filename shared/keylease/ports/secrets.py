"""Making, sealing and opening secrets."""

from typing import Protocol

from keylease.domain.access import Product
from keylease.domain.credential import Sealed
from keylease.domain.secret import Secret


class Secrets(Protocol):
    """Keeps clear text out of everything else."""

    def password(self, product: Product, /) -> Secret:
        """A new random password that obeys the product's rules."""
        ...

    def token(self) -> Secret:
        """A new capability of 256 random bits, URL-safe."""
        ...

    def digest(self, token: Secret, /) -> str:
        """The only form of a token that is kept: SHA-256, hex."""
        ...

    def seal(self, secret: Secret, /, *, context: str) -> Sealed:
        """Encrypt under the current key; `context` (the credential id) is bound to it."""
        ...

    def open(self, sealed: Sealed, /, *, context: str) -> Secret:
        """The clear text.

        Raises:
            Misconfigured: the key that sealed it is not configured any more.
            InvariantBroken: the ciphertext or its context was changed.
        """
        ...
