"""Standard Webhooks signatures, v1 and v1a, verified over exact bytes."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from keylease.domain.genuine import check_time
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured, NotGenuine
from keylease.ports.doors import Call

ID = "webhook-id"
STAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
_ID = re.compile(r"[A-Za-z0-9_:=+/@~-]{1,128}")
"""No dot: it separates what is signed, so an id with one could be read as another message."""
_MOST_SIGNATURES = 8
_SHORTEST_KEY = 16


def key_of(secret: Secret, /) -> bytes:
    """The key in `whsec_` and base64; any other text is a key as it is (a ticket tool's script).

    Raises:
        Misconfigured: after `whsec_` stands no base64, or the key is too short.
    """
    text = secret.reveal()
    try:
        key = _decoded(text[6:]) if text.startswith("whsec_") else text.encode()
    except ValueError as e:
        msg = "a webhook secret starts with whsec_ but goes on without base64; copy it again"
        raise Misconfigured(msg) from e
    if len(key) < _SHORTEST_KEY:
        msg = f"a webhook secret is shorter than {_SHORTEST_KEY} bytes; make a longer one"
        raise Misconfigured(msg)
    return key


def sign(key: bytes, /, *, id: str, stamp: str, body: bytes) -> str:  # its name there
    """The v1 signature of a message."""
    mac = hmac.new(key, signed_content(id=id, stamp=stamp, body=body), hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def signed_content(*, id: str, stamp: str, body: bytes) -> bytes:  # its name there
    """What both schemes sign."""
    return f"{id}.{stamp}.".encode() + body


@dataclass(frozen=True)
class StandardWebhooks:
    """The keys of one sender: shared secrets (current, previous) and Ed25519 public keys."""

    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    public_keys: tuple[str, ...] = ()
    """`whpk_` and base64."""

    def __post_init__(self) -> None:
        """Find a broken key at start-up (Misconfigured), not at the first call."""
        _ = self._keys, self._verifiers

    def verify(self, call: Call, /, *, now: datetime) -> str:
        """Prove who sent the call; returns the signed id of the message.

        Raises:
            NotGenuine: no signature of it is right.
        """
        message_id = call.sole(ID, longest=128)
        stamp = call.sole(STAMP, longest=13)
        given = call.sole(SIGNATURE, longest=2048).split(" ")
        if not _ID.fullmatch(message_id):
            raise NotGenuine("id_malformed")
        check_time(stamp, now=now)
        content = signed_content(id=message_id, stamp=stamp, body=call.body)
        if len(given) > _MOST_SIGNATURES or not any(self._is_right(one, content) for one in given):
            raise NotGenuine("signature_wrong")
        return message_id

    def _is_right(self, signature: str, content: bytes) -> bool:
        version, _, text = signature.partition(",")
        match version:
            case "v1":
                given = text.encode()
                return any(hmac.compare_digest(own, given) for own in self._macs(content))
            case "v1a":
                return any(_is_signed(key, text, content) for key in self._verifiers)
        return False

    def _macs(self, content: bytes) -> Iterator[bytes]:
        # Texts are compared, not what they decode to: base64 has several spellings of one value.
        for key in self._keys:
            yield base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())

    @cached_property
    def _keys(self) -> tuple[bytes, ...]:
        return tuple(key_of(secret) for secret in self.secrets)

    @cached_property
    def _verifiers(self) -> tuple[object, ...]:
        return tuple(_public_key(text) for text in self.public_keys)


def _decoded(text: str) -> bytes:
    """A configured key; people copy it with or without its padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _public_key(text: str) -> object:
    # Loaded only where a public key is configured: the import takes longer than all of intake's.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # as said
        Ed25519PublicKey,
    )

    try:
        raw = _decoded(text.removeprefix("whpk_"))
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as e:
        msg = "a webhook public key is not whpk_ and base64 of 32 bytes; copy it again"
        raise Misconfigured(msg) from e


def _is_signed(key: object, text: str, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # see _public_key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # as above
        Ed25519PublicKey,
    )

    assert isinstance(key, Ed25519PublicKey)  # noqa: S101  # made by _public_key
    try:
        raw = base64.b64decode(text, validate=True)
        key.verify(raw, content)
    except (binascii.Error, InvalidSignature):
        return False
    return base64.b64encode(raw).decode() == text
