"""Signed requests built by hand, with a signer that shares nothing with anybody."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from keylease.emulator.clock import wall_clock

EMPTY: Mapping[str, str] = {}
KV_VERSION = "2015-01-01"
MQ_VERSION = "2022-08-01"


@dataclass(frozen=True, slots=True)
class Raw:
    """One request; `headers` are signed, `unsigned` are added afterwards."""

    action: str
    version: str
    method: str = "POST"
    segments: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    secret: str = "testsecret"
    key_id: str = "testid"

    @classmethod
    def kvstore(cls, action: str, **query: str) -> Self:
        return cls(action=action, version=KV_VERSION, query=query)

    @classmethod
    def kvstore_form(cls, action: str, **form: str) -> Self:
        return cls(
            action=action,
            version=KV_VERSION,
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    @classmethod
    def rocketmq(cls, action: str, method: str, *segments: str, document: object = None) -> Self:
        return cls(
            action=action,
            version=MQ_VERSION,
            method=method,
            segments=segments,
            body=b"" if document is None else json.dumps(document).encode(),
            headers={} if document is None else {"content-type": "application/json"},
        )

    def changed(self, **changes: Any) -> Self:  # any field of the request
        return replace(self, **changes)

    @property
    def target(self) -> str:
        query = self._query()
        return f"{self._path()}?{query}" if query else self._path()

    def _path(self) -> str:
        return "/" + "/".join(quote(segment, safe="~") for segment in self.segments)

    def _query(self) -> str:
        pairs = sorted(self.query.items())
        return "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs)

    def signed_headers(self, host: str) -> dict[str, str]:
        """Every header to send, `authorization` included."""
        headers = {
            "host": host,
            "x-acs-action": self.action,
            "x-acs-version": self.version,
            "x-acs-date": wall_clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": token_hex(16),
            "x-acs-content-sha256": hashlib.sha256(self.body).hexdigest(),
            **self.headers,
        }
        headers = {name: headers[name] for name in headers if name not in self.without}
        return {**headers, "authorization": self._authorization(headers)}

    def _authorization(self, headers: Mapping[str, str]) -> str:
        names = sorted(headers)
        canonical = "\n".join(
            [
                self.method,
                self._path(),
                self._query(),
                *(f"{name}:{headers[name].strip()}" for name in names),
                "",
                ";".join(names),
                headers.get("x-acs-content-sha256", ""),
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"ACS3-HMAC-SHA256\n{digest}".encode()
        signature = hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()
        return (
            f"ACS3-HMAC-SHA256 Credential={self.key_id},"
            f"SignedHeaders={';'.join(names)},Signature={signature}"
        )


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> tuple[int, str]:
        return self.status, self.body.get("Code") or self.body.get("code")


async def send(
    url: str, raw: Raw, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """Send as signed, or with other headers or another body than were signed."""
    signed = raw.signed_headers(URL(url).authority)
    return await exchange(
        url + raw.target,
        method=raw.method,
        headers=signed if headers is None else headers,
        body=raw.body if body is None else body,
    )


async def exchange(
    url: str, *, method: str = "GET", headers: Mapping[str, str] = EMPTY, body: bytes = b""
) -> Reply:
    async with (
        aiohttp.ClientSession(skip_auto_headers=("content-type", "user-agent")) as session,
        session.request(
            method, URL(url, encoded=True), headers=headers, data=body or None
        ) as response,
    ):
        text = await response.text()
        parsed = json.loads(text) if response.content_type == "application/json" else text
        return Reply(status=response.status, body=parsed, headers=dict(response.headers))
