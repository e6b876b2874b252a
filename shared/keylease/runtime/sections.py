"""The sections of `keylease.yaml`: one frozen value each, closed, with words for every mistake."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from keylease.domain.duration import Duration
from keylease.runtime.references import SecretRef

HTTPS_PORT = 443
"""The only one that adapters/system/egress.py lets a sink's address have."""


class Section(BaseModel):
    """Frozen and closed; messages never show what was written, it might be a secret."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True
    )


def is_loopback(host: str, /) -> bool:
    """Whether an address or name means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_inside(host: str) -> bool:
    """Whether it is an address that adapters/system/egress.py never connects to."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def _safe_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        msg = "not a URL; write it such as https://keylease.example.com"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "a user or a password does not stand in a URL; leave it out"
        raise ValueError(msg)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        msg = "http goes to this machine only; use https"
        raise ValueError(msg)
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_safe_url)]
TenantName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class Postgres(Section):
    """How a store in PostgreSQL is used; its address stands in `store`."""

    password: SecretRef | None = None
    """Left out: `PGPASSWORD`, or the driver's own password file."""
    pool: Annotated[int, Field(ge=1, le=1000)] = 8
    """Connections of one process at most, and one more that listens."""
    statement_timeout: Duration = timedelta(seconds=10)
    """The longest that the server may work on one commit or question."""


class Sealing(Section):
    """Keys that seal credentials: the current one, and older ones to open what they sealed."""

    current: NonEmpty
    keys: Mapping[NonEmpty, SecretRef] = Field(min_length=1)

    @model_validator(mode="after")
    def _current_is_there(self) -> "Sealing":
        if self.current not in self.keys:
            msg = f"key {self.current!r} is not under keys; put it there"
            raise ValueError(msg)
        return self


class SlackTenant(Section):
    """One workspace (or organisation) and one app in it."""

    signing_secret: SecretRef
    previous_signing_secret: SecretRef | None = None
    bot_token: SecretRef | None = None
    """Without it nobody there can be told anything."""
    team_id: str | None = None
    enterprise_id: str | None = None
    api_app_id: str | None = None
    unsafe_api_url: Url | None = None
    """Another place than Slack's own, for tests and local mode only."""

    @model_validator(mode="after")
    def _bound(self) -> "SlackTenant":
        if not self.team_id and not self.enterprise_id:
            msg = "give team_id or enterprise_id: calls of other workspaces are refused by it"
            raise ValueError(msg)
        return self


class Trusted(Section):
    """For whom a machine may speak; for nobody but itself unless it is written down."""

    files_for: frozenset[str] = frozenset()
    may_review: bool = False


class WebhookTenant(Trusted):
    """One ticket tool's script or service."""

    secrets: tuple[SecretRef, ...] = ()
    """The current one, then the previous one while it is being replaced."""
    public_keys: tuple[str, ...] = ()
    subject: NonEmpty = "sender"

    @model_validator(mode="after")
    def _provable(self) -> "WebhookTenant":
        if not self.secrets and not self.public_keys:
            msg = "give secrets or public_keys: nobody could prove to be this sender"
            raise ValueError(msg)
        return self


class Producer(Trusted):
    """One sender of CloudEvents."""

    sources: frozenset[NonEmpty] = Field(min_length=1)
    tokens: tuple[SecretRef, ...] = ()
    secrets: tuple[SecretRef, ...] = ()
    public_keys: tuple[str, ...] = ()
    queued: bool = False
    """Whether its events may come through a queue, whose own rights then are the proof."""

    @model_validator(mode="after")
    def _provable(self) -> "Producer":
        if not (self.tokens or self.secrets or self.public_keys or self.queued):
            msg = (
                "give tokens, secrets or public_keys, or say queued: true: "
                "nobody could prove to be this producer"
            )
            raise ValueError(msg)
        return self


class Events(Section):
    """The CloudEvents entrance."""

    producers: Mapping[TenantName, Producer] = {}
    origins: frozenset[str] = frozenset()
    rate: Annotated[int, Field(ge=1)] = 600


Often = Annotated[int, Field(ge=0, le=1_000_000)]


class Limits(Section):
    """Calls a minute, and as many at once; 0: any number."""

    people: Often = 120
    """Each person in a chat."""
    machines: Often = 6000
    """Each ticket tool and producer of events."""
    addresses: Often = 120
    """Each address: calls that prove nobody, and claims."""


class StdoutSink(Section):
    """Result events as lines of JSON on standard output."""

    kind: Literal["stdout"]


class WebhookSink(Section):
    """Result events to an HTTPS address, signed by Standard Webhooks."""

    kind: Literal["webhook"]
    url: Url
    secret: SecretRef
    previous_secret: SecretRef | None = None

    @model_validator(mode="after")
    def _can_be_called(self) -> "WebhookSink":
        parts = urlsplit(self.url)
        if parts.scheme == "https" and parts.port not in {None, HTTPS_PORT}:
            msg = f"url: events are sent to port {HTTPS_PORT} only; put a proxy there"
            raise ValueError(msg)
        if parts.scheme == "https" and _is_inside(parts.hostname or ""):
            msg = "url: events are not sent to private addresses; give one in the internet"
            raise ValueError(msg)
        return self


class EventBridgeSink(Section):
    """Result events to a bus of EventBridge, signed with the key of `alibaba.credentials`."""

    kind: Literal["eventbridge"]
    bus: NonEmpty
    region: str = ""
    """Left out: that of `alibaba`."""


Sink = Annotated[StdoutSink | WebhookSink | EventBridgeSink, Field(discriminator="kind")]


def _nats_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"nats", "tls"} or not parts.hostname or parts.path.strip("/"):
        msg = "not a server of NATS; write it such as nats://nats:4222 or tls://nats.example.com"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "a user or a password does not stand in an address; see nats.user"
        raise ValueError(msg)
    return text


class Nats(Section):
    """The bus between `keylease intake` and `keylease worker`; needs the extra `nats`."""

    servers: tuple[Annotated[str, AfterValidator(_nats_url)], ...] = Field(min_length=1)
    signing_secret: SecretRef
    """Signs every message: who may write to the bus can make up none."""
    previous_signing_secret: SecretRef | None = None
    user: NonEmpty | None = None
    password: SecretRef | None = None
    token: SecretRef | None = None
    credentials: SecretRef | None = None
    """The content of a `.creds` file."""
    stream: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_-]{0,31}$")] = "KEYLEASE"
    replicas: Literal[1, 3, 5] = 1
    creates: bool = True
    """Whether streams and consumers that are missing are made."""
    at_once: Annotated[int, Field(ge=1, le=256)] = 16
    """Events of one function that one worker has in hand."""

    @model_validator(mode="after")
    def _one_way_in(self) -> "Nats":
        ways = (self.user, self.token, self.credentials)
        if sum(way is not None for way in ways) > 1 or (self.password and not self.user):
            msg = "give user and password, or token, or credentials: one of them"
            raise ValueError(msg)
        return self


def _any_url(text: str) -> str:
    """A collector stands beside the workers, so plain http is common; spans hold no secret."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        msg = "not a URL; write it such as http://collector:4318/v1/traces"
        raise ValueError(msg)
    return text


ListenAddress = Annotated[
    str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:.]+\]|[^:\s]+):[0-9]{1,5}$")
]
"""A host and a port, such as `127.0.0.1:9464`."""


class Telemetry(Section):
    """Traces and metrics by OpenTelemetry; needs the extra `otel`."""

    traces: Annotated[str, AfterValidator(_any_url)] | None = None
    headers: Mapping[NonEmpty, SecretRef] = {}
    metrics: ListenAddress | None = None
    every: Duration = timedelta(seconds=15)


class FromChain(Section):
    """The first of: Function Compute, environment, OIDC, credentials URI, ECS metadata."""

    kind: Literal["default"] = "default"


class FromStatic(Section):
    """One access key."""

    kind: Literal["static"]
    access_key_id: NonEmpty
    access_key_secret: SecretRef


class FromEnvironmentKey(Section):
    """`ALIBABA_CLOUD_ACCESS_KEY_ID`, `_SECRET` and `_SECURITY_TOKEN`."""

    kind: Literal["environment"]


class FromFunctionCompute(Section):
    """The function's own role."""

    kind: Literal["fc"]


class FromUri(Section):
    """A credentials URI."""

    kind: Literal["uri"]
    uri: NonEmpty


class FromEcs(Section):
    """The role of the ECS instance, by its metadata service."""

    kind: Literal["ecs"]
    role: str = ""


class FromOidc(Section):
    """A Kubernetes service account's role (RRSA)."""

    kind: Literal["oidc"]
    role_arn: NonEmpty
    provider_arn: NonEmpty
    token_file: NonEmpty
    session_name: NonEmpty = "keylease"


OwnSource = FromChain | FromStatic | FromEnvironmentKey | FromFunctionCompute | FromUri | FromEcs


class FromAssumedRole(Section):
    """A role that another key may assume."""

    kind: Literal["assume_role"]
    role_arn: NonEmpty
    session_name: NonEmpty = "keylease"
    external_id: str | None = None
    source: Annotated[OwnSource, Field(discriminator="kind")] = FromChain.model_construct()


CloudCredentials = Annotated[OwnSource | FromOidc | FromAssumedRole, Field(discriminator="kind")]


EndpointName = Annotated[
    str, StringConstraints(pattern="^(rocketmq|r-kvstore|sts|eventbridge-console)$")
]


class Alibaba(Section):
    """How to reach and sign for Alibaba Cloud."""

    credentials: CloudCredentials = FromChain.model_construct()
    region: str = "cn-hangzhou"
    """Where STS is called; targets name their own."""
    network: Literal["public", "vpc"] = "public"
    endpoints: Mapping[EndpointName, Url] = {}
    """Other hosts than the rule's, such as the emulator's."""
