"""Keys fetched over plain HTTP nearby: a credentials URI, and the ECS metadata service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from keylease.adapters.alibaba.credentials import PROVIDER, Key, key_of
from keylease.adapters.alibaba.sign import percent_encoded
from keylease.errors import ProviderDenied, ProviderTransient
from keylease.ports.http import Http, HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse

METADATA = "http://100.100.100.200"
ROLES = "/latest/meta-data/ram/security-credentials/"
TOKEN_LIFETIME = "21600"  # noqa: S105  # seconds
_TIMEOUT = 5.0
_METADATA_TIMEOUT = 1.0
"""Away from ECS nobody answers; a chain must not wait long for that."""


@dataclass(frozen=True, slots=True)
class UriCredentials:
    """GET on `ALIBABA_CLOUD_CREDENTIALS_URI`; not configured without it."""

    uri: str = field(repr=False)
    http: Http

    async def key(self) -> Key | None:
        if not self.uri:
            return None
        response = await fetched(self.http, HttpRequest("GET", self.uri, timeout=_TIMEOUT))
        return key_in(response, code="CredentialsUri")


@dataclass(frozen=True, slots=True)
class EcsCredentials:
    """The role of the ECS instance that we run on; with a session token (IMDSv2) if it has one."""

    http: Http
    base: str = METADATA
    role: str = ""
    """Asked for when not given."""
    is_v1_allowed: bool = True
    is_disabled: bool = False

    async def key(self) -> Key | None:
        if self.is_disabled:
            return None
        headers = await self._token()
        role = self.role or (await self._read("", headers)).body.decode("utf-8", "replace").strip()
        return key_in(await self._read(percent_encoded(role), headers), code="EcsMetadata")

    async def _token(self) -> Mapping[str, str]:
        """The header that later reads carry; none on a service of version 1."""
        request = HttpRequest(
            "PUT",
            f"{self.base}/latest/api/token",
            headers={"X-aliyun-ecs-metadata-token-ttl-seconds": TOKEN_LIFETIME},
            timeout=_METADATA_TIMEOUT,
        )
        response = await fetched(self.http, request)
        if response.status == HTTPStatus.OK and response.body:
            return {"X-aliyun-ecs-metadata-token": response.body.decode("ascii", "replace").strip()}
        if not self.is_v1_allowed:
            raise ProviderDenied(PROVIDER, "EcsMetadata.TokenRefused", status=response.status)
        return {}

    async def _read(self, path: str, headers: Mapping[str, str]) -> HttpResponse:
        request = HttpRequest(
            "GET", f"{self.base}{ROLES}{path}", headers=headers, timeout=_METADATA_TIMEOUT
        )
        response = await fetched(self.http, request)
        if response.status != HTTPStatus.OK:
            raise ProviderDenied(PROVIDER, "EcsMetadata.Refused", status=response.status)
        return response


async def fetched(http: Http, request: HttpRequest, /) -> HttpResponse:
    """The answer to a read: whatever went wrong on the way, it may be asked again."""
    try:
        return await http.send(request)
    except (HttpNotSent, HttpOutcomeUnknown) as e:
        raise ProviderTransient(PROVIDER, type(e).__name__) from e


def key_in(response: HttpResponse, /, *, code: str) -> Key:
    """The key in the answer that both sources give: `Code` and four fields."""
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderTransient(PROVIDER, f"{code}.{response.status}", status=response.status)
    fields = strings_in(response.body)
    key = key_of(
        id_=fields.get("AccessKeyId", ""),
        secret=fields.get("AccessKeySecret", ""),
        token=fields.get("SecurityToken", ""),
        expires=fields.get("Expiration", ""),
    )
    if response.status != HTTPStatus.OK or fields.get("Code") != "Success" or key is None:
        raise ProviderDenied(PROVIDER, f"{code}.Unusable", status=response.status)
    return key


def strings_in(body: bytes, /) -> Mapping[str, str]:
    """The text fields of a JSON object; nothing when it is none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    fields = parsed.items() if isinstance(parsed, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}
