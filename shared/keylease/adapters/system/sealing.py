"""Secrets made by the machine's random source and sealed with AES-256-GCM.

The sealing key never leaves the ring. An older key stays in it for as long as something that it
sealed is to be opened.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from keylease.domain.access import Product
from keylease.domain.credential import Sealed
from keylease.domain.password import new_password
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, Misconfigured

KEY_BYTES = 32
_NONCE_BYTES = 12
_TOKEN_BYTES = 32
_RECIPE = "make one with: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Sealing keys by id: `current` seals, all of them open."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, keys: Mapping[str, Secret], /, *, current: str) -> Self:
        """The ring of base64 texts.

        Raises:
            Misconfigured: a key is not 32 bytes, or the current one is not among them.
        """
        if current not in keys:
            msg = f"sealing key {current!r} is to be used but not given; add it to the keys"
            raise Misconfigured(msg)
        return cls(current=current, keys={id_: _key(id_, text) for id_, text in keys.items()})


def new_key() -> Secret:
    """A new key, as `KeyRing.of` reads it."""
    return Secret(base64.b64encode(os.urandom(KEY_BYTES)).decode())


@dataclass(frozen=True, slots=True)
class SealingSecrets:
    """Keeps `ports.secrets.Secrets`."""

    ring: KeyRing

    def password(self, product: Product, /) -> Secret:  # noqa: ARG002  # one kind serves both
        return new_password(secrets.choice)

    def token(self) -> Secret:
        return Secret(secrets.token_urlsafe(_TOKEN_BYTES))

    def digest(self, token: Secret, /) -> str:
        return hashlib.sha256(token.reveal().encode()).hexdigest()

    def seal(self, secret: Secret, /, *, context: str) -> Sealed:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # 6 ms of cold start that few functions need

        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self.ring.keys[self.ring.current])
        ciphertext = cipher.encrypt(
            nonce, secret.reveal().encode(), _bound(self.ring.current, context)
        )
        return Sealed(
            key_id=self.ring.current,
            nonce=base64.b64encode(nonce).decode(),
            ciphertext=base64.b64encode(ciphertext).decode(),
        )

    def open(self, sealed: Sealed, /, *, context: str) -> Secret:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # as above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as above

        key = self.ring.keys.get(sealed.key_id)
        if key is None:
            msg = f"{context} was sealed with key {sealed.key_id!r}; put it back among the keys"
            raise Misconfigured(msg)
        try:
            nonce = base64.b64decode(sealed.nonce, validate=True)
            ciphertext = base64.b64decode(sealed.ciphertext, validate=True)
            clear = AESGCM(key).decrypt(nonce, ciphertext, _bound(sealed.key_id, context))
        except (InvalidTag, ValueError) as e:
            msg = f"the sealed secret of {context} was changed or belongs to something else"
            raise InvariantBroken(msg) from e
        return Secret(clear.decode())


def _bound(key_id: str, context: str) -> bytes:
    """What the ciphertext is tied to: moved to another row or another key, it does not open."""
    return f"keylease/1\0{key_id}\0{context}".encode()


def _key(id_: str, text: Secret) -> bytes:
    try:
        key = base64.b64decode(text.reveal(), validate=True)
    except (binascii.Error, ValueError):
        key = b""  # the exception would carry the text
    if len(key) != KEY_BYTES:
        msg = f"sealing key {id_!r} is not {KEY_BYTES} bytes in base64; {_RECIPE}"
        raise Misconfigured(msg)
    return key
