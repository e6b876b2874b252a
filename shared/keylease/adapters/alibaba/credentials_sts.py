"""Keys from STS: AssumeRole signed with another key, and AssumeRoleWithOIDC with a pod's token."""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from pydantic import Field

from keylease.adapters.alibaba.client import AlibabaClient, Answer, Arguments, Operation, Wire
from keylease.adapters.alibaba.credentials import PROVIDER, Key, instant
from keylease.adapters.alibaba.credentials_remote import fetched
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.alibaba.errors import error_of, failure_of
from keylease.adapters.alibaba.sign import QueryValue, canonical_query
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured, ProviderTransient
from keylease.ports.clock import Clock
from keylease.ports.http import Http, HttpRequest
from keylease.ports.ids import Ids

VERSION = "2015-04-01"
# It only hands out a key, so an answer that got lost may be asked for again.
ASSUME_ROLE = Operation("sts", VERSION, "AssumeRole")
_TIMEOUT = 10.0


class SessionKey(Wire):
    """The key of a role session."""

    id: str = Field(alias="AccessKeyId")
    secret: str = Field(alias="AccessKeySecret", repr=False)
    token: str = Field(alias="SecurityToken", repr=False)
    expiration: str = Field(alias="Expiration")

    def key(self) -> Key:
        return Key(
            id=self.id,
            secret=Secret(self.secret),
            token=Secret(self.token),
            expires_at=instant(self.expiration),
        )


class Session(Answer):
    """The answer of both operations."""

    credentials: SessionKey = Field(alias="Credentials")


@dataclass(frozen=True, slots=True)
class Role:
    """The role to take, and for how long."""

    arn: str
    session_name: str = "keylease"
    seconds: int = 3600
    policy: str = ""
    external_id: str = ""

    def parameters(self) -> dict[str, QueryValue]:
        return {
            "RoleArn": self.arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.seconds,
            "Policy": self.policy or None,
            "ExternalId": self.external_id or None,
        }


@dataclass(frozen=True, slots=True)
class AssumeRoleCredentials:
    """A role's key; `client` signs with the key that may assume it."""

    client: AlibabaClient
    role: Role
    region: str = ""
    """Empty: the global STS endpoint."""

    async def key(self) -> Key | None:
        arguments = Arguments(
            region=self.region, instance=self.role.arn, query=self.role.parameters()
        )
        session = await self.client.call(ASSUME_ROLE, arguments=arguments, answer=Session)
        return session.credentials.key()


@dataclass(frozen=True, slots=True)
class OidcCredentials:
    """A role's key for a pod's identity token (RRSA). The file rotates: it is read every time."""

    http: Http
    clock: Clock
    ids: Ids
    role: Role
    provider_arn: str
    token_file: str
    region: str = ""
    endpoints: Endpoints = field(default_factory=Endpoints)

    async def key(self) -> Key | None:
        if not (self.role.arn and self.provider_arn and self.token_file):
            return None
        query = self._query(await asyncio.to_thread(self._token))
        base = self.endpoints.base("sts", region=self.region)
        url = f"{base}/?{canonical_query(query)}"
        request = HttpRequest("POST", url, headers={"accept": "application/json"}, timeout=_TIMEOUT)
        response = await fetched(self.http, request)
        if response.status != HTTPStatus.OK:
            raise error_of(failure_of(response), provider=PROVIDER, is_write=False)
        return _session(response.body).credentials.key()

    def _query(self, token: str) -> dict[str, QueryValue]:
        """Anonymous: the old style without a signature."""
        return {
            "Action": "AssumeRoleWithOIDC",
            "Format": "json",
            "Version": VERSION,
            "Timestamp": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "SignatureNonce": self.ids.nonce(),
            "OIDCProviderArn": self.provider_arn,
            "OIDCToken": token,
            **self.role.parameters(),
        }

    def _token(self) -> str:
        try:
            return Path(self.token_file).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as e:
            msg = f"the OIDC token file {self.token_file} cannot be read"
            raise Misconfigured(msg) from e


def _session(body: bytes) -> Session:
    try:
        return Session.model_validate_json(body)
    except ValueError:
        failure = ProviderTransient(PROVIDER, "AssumeRoleWithOIDC.Unreadable")
    raise failure
