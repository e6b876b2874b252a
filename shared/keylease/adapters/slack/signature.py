"""Slack's request signature v0: an HMAC over timestamp and exact body."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from keylease.domain.genuine import check_time
from keylease.domain.secret import Secret
from keylease.errors import NotGenuine
from keylease.ports.doors import Call

STAMP = "x-slack-request-timestamp"
SIGNATURE = "x-slack-signature"
_LENGTH = len("v0=") + 64


def sign(secret: Secret, /, *, stamp: str, body: bytes) -> str:
    """The signature that Slack sends for this body at this time."""
    words = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.reveal().encode(), words, hashlib.sha256).hexdigest()


def verify(call: Call, /, *, secrets: Iterable[Secret], now: datetime) -> None:
    """Prove that Slack sent this call; any of the secrets will do (current, previous).

    Raises:
        NotGenuine: it does not prove that.
    """
    stamp = call.sole(STAMP, longest=13)
    given = call.sole(SIGNATURE, longest=_LENGTH).encode()
    check_time(stamp, now=now)
    for secret in secrets:
        if hmac.compare_digest(sign(secret, stamp=stamp, body=call.body).encode(), given):
            return
    raise NotGenuine("signature_wrong")
