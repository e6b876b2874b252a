"""From settings to a signing client: which source of keys, which hosts.

A source of keys is loaded when it is the one that is configured.
"""

from collections.abc import Mapping

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.adapters.alibaba.credentials import (
    CachingCredentials,
    Credentials,
    EnvironmentCredentials,
    FunctionComputeCredentials,
    Key,
    StaticCredentials,
)
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.ports.clock import Clock
from keylease.ports.http import Http
from keylease.ports.ids import Ids
from keylease.runtime.sections import (
    Alibaba,
    CloudCredentials,
    FromAssumedRole,
    FromChain,
    FromEcs,
    FromEnvironmentKey,
    FromFunctionCompute,
    FromOidc,
    FromStatic,
    FromUri,
)


def alibaba_client(
    section: Alibaba, /, *, http: Http, clock: Clock, ids: Ids, variables: Mapping[str, str]
) -> AlibabaClient:
    """The client that signs with the configured key."""
    builder = Builder(section, http=http, clock=clock, ids=ids, variables=variables)
    return builder.client(section.credentials)


class Builder:
    """What every source of keys may need."""

    def __init__(
        self,
        section: Alibaba,
        /,
        *,
        http: Http,
        clock: Clock,
        ids: Ids,
        variables: Mapping[str, str],
    ) -> None:
        self.http = http
        self.clock = clock
        self.ids = ids
        self.variables = variables
        self.region = section.region
        self.endpoints = Endpoints(network=section.network, given=dict(section.endpoints))

    def client(self, credentials: CloudCredentials, /) -> AlibabaClient:
        return AlibabaClient(
            http=self.http,
            credentials=CachingCredentials(source=self.source(credentials), clock=self.clock),
            clock=self.clock,
            ids=self.ids,
            endpoints=self.endpoints,
        )

    def source(self, section: CloudCredentials, /) -> Credentials:
        found: Credentials
        match section:
            case FromStatic():
                secret = section.access_key_secret.secret()
                found = StaticCredentials(Key(id=section.access_key_id, secret=secret))
            case FromEnvironmentKey():
                found = EnvironmentCredentials(self.variables)
            case FromFunctionCompute():
                found = FunctionComputeCredentials(self.variables)
            case FromUri():
                from keylease.adapters.alibaba.credentials_remote import UriCredentials

                found = UriCredentials(section.uri, http=self.http)
            case FromEcs():
                from keylease.adapters.alibaba.credentials_remote import EcsCredentials

                found = EcsCredentials(http=self.http, role=section.role)
            case FromOidc() | FromAssumedRole():
                found = self._role(section)
            case FromChain():
                from keylease.adapters.alibaba.credentials_chain import default_chain

                found = default_chain(
                    self.variables, http=self.http, clock=self.clock, ids=self.ids
                )
        return found

    def _role(self, section: FromOidc | FromAssumedRole) -> Credentials:
        from keylease.adapters.alibaba.credentials_sts import (
            AssumeRoleCredentials,
            OidcCredentials,
            Role,
        )

        role = Role(arn=section.role_arn, session_name=section.session_name)
        if isinstance(section, FromAssumedRole):
            role = Role(
                arn=section.role_arn,
                session_name=section.session_name,
                external_id=section.external_id or "",
            )
            return AssumeRoleCredentials(
                client=self.client(section.source), role=role, region=self.region
            )
        return OidcCredentials(
            http=self.http,
            clock=self.clock,
            ids=self.ids,
            role=role,
            provider_arn=section.provider_arn,
            token_file=section.token_file,
            region=self.region,
            endpoints=self.endpoints,
        )
