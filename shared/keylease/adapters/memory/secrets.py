"""Secrets that a seed decides, sealed by a toy cipher: for tests and simulation only."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from keylease.domain.access import Product
from keylease.domain.credential import Sealed
from keylease.domain.password import new_password
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, Misconfigured

_TAG: Final = 16


@dataclass(slots=True)
class MemorySecrets:
    """Keeps `ports.secrets.Secrets`. `key_ids`: the first seals, all of them open."""

    seed: int = 0
    key_ids: tuple[str, ...] = ("m1",)
    _drawn: "count[int]" = field(default_factory=count)

    def password(self, product: Product, /) -> Secret:  # noqa: ARG002  # one kind serves both
        return new_password(self._pick)

    def token(self) -> Secret:
        return Secret(base64.urlsafe_b64encode(self._draw("token")).decode().rstrip("="))

    def digest(self, token: Secret, /) -> str:
        return hashlib.sha256(token.reveal().encode()).hexdigest()

    def seal(self, secret: Secret, /, *, context: str) -> Sealed:
        key_id, nonce = self.key_ids[0], self._draw("nonce")[:12]
        masked = self._masked(secret.reveal().encode(), key_id, nonce)
        tag = self._tag(masked, key_id, nonce, context)
        return Sealed(
            key_id=key_id,
            nonce=base64.b64encode(nonce).decode(),
            ciphertext=base64.b64encode(masked + tag).decode(),
        )

    def open(self, sealed: Sealed, /, *, context: str) -> Secret:
        if sealed.key_id not in self.key_ids:
            msg = f"{context} was sealed with key {sealed.key_id!r}; put it back among the keys"
            raise Misconfigured(msg)
        try:
            nonce = base64.b64decode(sealed.nonce, validate=True)
            whole = base64.b64decode(sealed.ciphertext, validate=True)
        except ValueError:
            nonce = whole = b""
        masked, tag = whole[:-_TAG], whole[-_TAG:]
        if not hmac.compare_digest(tag, self._tag(masked, sealed.key_id, nonce, context)):
            msg = f"the sealed secret of {context} was changed or belongs to something else"
            raise InvariantBroken(msg)
        return Secret(self._masked(masked, sealed.key_id, nonce).decode())

    def _draw(self, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.seed}/{purpose}/{next(self._drawn)}".encode()).digest()

    def _pick(self, alphabet: str) -> str:
        return alphabet[int.from_bytes(self._draw("pick")[:8]) % len(alphabet)]

    def _masked(self, text: bytes, key_id: str, nonce: bytes) -> bytes:
        mask = hashlib.shake_256(key_id.encode() + nonce).digest(len(text))
        return bytes(a ^ b for a, b in zip(text, mask, strict=True))

    def _tag(self, masked: bytes, key_id: str, nonce: bytes, context: str) -> bytes:
        bound = b"\0".join((key_id.encode(), nonce.hex().encode(), context.encode(), masked))
        return hashlib.sha256(bound).digest()[:_TAG]
