"""Result events to an HTTPS endpoint, signed by Standard Webhooks."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from ipaddress import ip_address
from typing import NewType
from urllib.parse import urlsplit

from keylease.domain.cloudevent import CONTENT_TYPE, encode
from keylease.domain.events import Event
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured, ProviderBusy, ProviderRefused, ProviderTransient
from keylease.ports.clock import Clock
from keylease.ports.http import Http, HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse

Endpoint = NewType("Endpoint", str)
PREFIX = "whsec_"
SHORTEST_KEY = 24
"""Bytes; the specification asks for 24 to 64."""
LONGEST_KEY = 64
LONGEST_WAIT = 3600.0
TIMEOUT = 20.0
GONE = 410
_BUSY = frozenset({429, 502, 503, 504})
_PLAIN_ID = re.compile(r"[A-Za-z0-9_:=+/@~-]{1,128}")


def https_endpoint(url: str, /) -> Endpoint:
    """An endpoint that may be anywhere, so only by HTTPS and without a password in the address.

    Raises:
        Misconfigured: it is not like that.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.fragment:
        msg = "a webhook sink needs an https:// address without a user or a fragment"
        raise Misconfigured(msg)
    return Endpoint(url)


def unsafe_local_endpoint(url: str, /) -> Endpoint:
    """An endpoint on this machine, by plain HTTP: for tests and the demo only.

    Raises:
        Misconfigured: it is not on this machine.
    """
    host = urlsplit(url).hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    if not is_here:
        msg = f"{host or 'no host'} is not on this machine; give an https:// address"
        raise Misconfigured(msg)
    return Endpoint(url)


@dataclass(frozen=True)
class WebhookSink:
    """Keeps `ports.sinks.Sink`. `http` should be guarded: the address is somebody's setting."""

    name: str
    endpoint: Endpoint
    secrets: tuple[Secret, ...] = field(repr=False)
    """`whsec_` and base64; the current one, then the one being replaced: both sign."""
    source: str
    """Of the CloudEvents."""
    http: Http
    clock: Clock

    def __post_init__(self) -> None:
        _ = self._keys  # a wrong secret is found at start-up

    async def deliver(self, event: Event, /) -> None:
        body = encode(event, source=self.source)
        request = HttpRequest(
            method="POST",
            url=self.endpoint,
            headers=self._headers(message_id(event.id), body=body),
            body=body,
            timeout=TIMEOUT,
        )
        try:
            response = await self.http.send(request)
        except HttpNotSent as e:
            raise ProviderTransient(self.name, "NotSent") from e
        except HttpOutcomeUnknown as e:  # the receiver knows the id: twice is harmless
            raise ProviderTransient(self.name, "OutcomeUnknown") from e
        self._judge(response)

    def _headers(self, id: str, *, body: bytes) -> dict[str, str]:
        stamp = str(int(self.clock.now().timestamp()))
        return {
            "content-type": CONTENT_TYPE,
            "user-agent": "keylease",
            "webhook-id": id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self._keys, id=id, stamp=stamp, body=body),
        }

    def _judge(self, response: HttpResponse) -> None:
        status = response.status
        if 200 <= status < 300:  # noqa: PLR2004  # all of these are success
            return
        code = f"http_{status}"
        if status == GONE:
            raise ProviderRefused(self.name, code, status=status)
        if status in _BUSY:
            wait = retry_after(response.headers.get("retry-after", ""), now=self.clock.now())
            raise ProviderBusy(self.name, code, status=status, retry_after=wait)
        raise ProviderTransient(self.name, code, status=status)

    @cached_property
    def _keys(self) -> tuple[bytes, ...]:
        if not self.secrets:
            msg = f"there is no secret to sign with; make one: {PREFIX} and base64"
            raise Misconfigured(msg)
        return tuple(_key(secret) for secret in self.secrets)


def signature(keys: Iterable[bytes], /, *, id: str, stamp: str, body: bytes) -> str:
    """One v1 signature per key, separated by spaces."""
    content = f"{id}.{stamp}.".encode() + body
    macs = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


def message_id(event_id: str, /) -> str:
    """The event's id where it fits; a dot would separate what is signed, so others are hashed."""
    if _PLAIN_ID.fullmatch(event_id):
        return event_id
    return "evt_" + hashlib.sha256(event_id.encode()).hexdigest()


def retry_after(text: str, /, *, now: datetime) -> float | None:
    """Seconds to wait, from either form of the header; None when it says nothing useful."""
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        return min(max(0.0, (at - now).total_seconds()), LONGEST_WAIT)
    except (TypeError, ValueError):
        return None


def _key(secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        msg = f"a secret is {PREFIX} and base64 of {SHORTEST_KEY} to {LONGEST_KEY} random bytes"
        raise Misconfigured(msg)
    return key
