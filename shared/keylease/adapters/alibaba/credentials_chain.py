"""The chain of sources that a process uses when nothing else is configured."""

from collections.abc import Mapping

from keylease.adapters.alibaba.credentials import (
    ChainedCredentials,
    EnvironmentCredentials,
    FunctionComputeCredentials,
)
from keylease.adapters.alibaba.credentials_remote import METADATA, EcsCredentials, UriCredentials
from keylease.adapters.alibaba.credentials_sts import OidcCredentials, Role
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.ports.clock import Clock
from keylease.ports.http import Http
from keylease.ports.ids import Ids


def default_chain(
    environment: Mapping[str, str],
    /,
    *,
    http: Http,
    clock: Clock,
    ids: Ids,
    function_compute: FunctionComputeCredentials | None = None,
    metadata: str = METADATA,
) -> ChainedCredentials:
    """Function Compute, environment, OIDC, credentials URI, ECS: what is nearest comes first.

    ECS is last and always tried: away from ECS its error says that nobody answers there.
    """
    return ChainedCredentials(
        (
            function_compute or FunctionComputeCredentials(environment),
            EnvironmentCredentials(environment),
            oidc_from(environment, http=http, clock=clock, ids=ids),
            UriCredentials(environment.get("ALIBABA_CLOUD_CREDENTIALS_URI", ""), http=http),
            ecs_from(environment, http=http, metadata=metadata),
        )
    )


def oidc_from(
    environment: Mapping[str, str], /, *, http: Http, clock: Clock, ids: Ids
) -> OidcCredentials:
    """RRSA's variables; it gives no key unless all three are set."""
    is_vpc = environment.get("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "").lower() == "true"
    return OidcCredentials(
        http=http,
        clock=clock,
        ids=ids,
        role=Role(
            arn=environment.get("ALIBABA_CLOUD_ROLE_ARN", ""),
            session_name=environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME", "") or "keylease",
        ),
        provider_arn=environment.get("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", ""),
        token_file=environment.get("ALIBABA_CLOUD_OIDC_TOKEN_FILE", ""),
        region=environment.get("ALIBABA_CLOUD_STS_REGION", ""),
        endpoints=Endpoints(network="vpc" if is_vpc else ""),
    )


def ecs_from(
    environment: Mapping[str, str], /, *, http: Http, metadata: str = METADATA
) -> EcsCredentials:
    """The metadata service's switches."""
    return EcsCredentials(
        http=http,
        base=metadata,
        role=environment.get("ALIBABA_CLOUD_ECS_METADATA", ""),
        is_v1_allowed=environment.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() != "true",
        is_disabled=environment.get("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() == "true",
    )
