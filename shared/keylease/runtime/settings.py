"""Settings: one file and `KEYLEASE_` variables, read once, frozen; the one reader of os.environ.

The file is `keylease.yaml` (or JSON, which needs no YAML reader). Every field may also come from a
variable: `KEYLEASE_PUBLIC_URL`, `KEYLEASE_SLACK__ACME__BOT_TOKEN`. A mistake names file, line,
field and the next step.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from keylease.domain.duration import Duration
from keylease.domain.zone import ZoneName
from keylease.errors import Misconfigured
from keylease.runtime.given import WhenGiven
from keylease.runtime.overlay import overlaid
from keylease.runtime.references import Context
from keylease.runtime.sections import (
    Alibaba,
    Events,
    Limits,
    ListenAddress,
    Nats,
    Postgres,
    Sealing,
    Section,
    Sink,
    SlackTenant,
    Telemetry,
    TenantName,
    Url,
    WebhookTenant,
    is_loopback,
)
from keylease.runtime.source import Source, read_source
from keylease.runtime.store_address import SQLITE, store_address

PATH_VARIABLE = "KEYLEASE_CONFIG"
DEFAULT_PATH = "keylease.yaml"


def _located(path: Path, validation: ValidationInfo) -> Path:
    folder = validation.context.folder if validation.context else Path()
    return (folder / path.expanduser()).absolute()


def _listed(value: object) -> object:
    if isinstance(value, str):
        msg = 'write a list, such as ["slack:#keylease-ops"]'
        raise ValueError(msg)  # noqa: TRY004  # pydantic turns only ValueError into a field error
    return value


def _addressed(text: str) -> str:
    platform, _, place = text.partition(":")
    if not platform or not place:
        msg = f"{text!r} is nowhere to tell; write it like slack:#keylease-ops"
        raise ValueError(msg)
    return text


Located = Annotated[Path, AfterValidator(_located)]
Address = Annotated[str, AfterValidator(_addressed)]


class Settings(Section):
    """All of it. Defaults serve one machine; nothing dangerous has a default."""

    store: str = Field(default="sqlite:///keylease.db", validate_default=True)
    postgres: Annotated[Postgres | None, WhenGiven()] = None
    nats: Nats | None = None
    policy: Located = Field(default=Path("policy.yaml"), validate_default=True)
    """A file of rules, a folder of them, or a policy compiled to JSON."""
    catalog: Located = Field(default=Path("catalog.yaml"), validate_default=True)
    directory: Located = Field(default=Path("directory.yaml"), validate_default=True)
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    health: ListenAddress | None = None
    """Where a worker, which serves nothing else, answers `/healthz` and `/readyz`."""
    public_url: Url | None = None
    """What links start with; left out: the address that is listened on."""
    sealing: Annotated[Sealing | None, WhenGiven()] = None
    slack: Annotated[Mapping[TenantName, SlackTenant], WhenGiven()] = {}
    webhook: Annotated[Mapping[TenantName, WebhookTenant], WhenGiven()] = {}
    events: Annotated[Events, WhenGiven()] = Events.model_construct()
    limits: Annotated[Limits, WhenGiven()] = Limits.model_construct()
    sinks: Annotated[Mapping[TenantName, Sink], WhenGiven()] = {}
    alibaba: Annotated[Alibaba, WhenGiven()] = Alibaba.model_construct()
    telemetry: Annotated[Telemetry | None, WhenGiven()] = None
    operators: Annotated[tuple[Address, ...], BeforeValidator(_listed)] = ()
    """Where alarms go, such as `slack:#keylease-ops`."""
    time_zone: ZoneName = "UTC"
    """In which people read deadlines."""
    cli_tenant: TenantName = "local"
    """Vouches for who uses the command line on the machine that holds the store."""
    answer_by: Duration = timedelta(hours=24)
    claim_by: Duration = timedelta(minutes=15)
    sweep_every: Duration = timedelta(seconds=5)
    drain: Duration = timedelta(seconds=10)
    """How long the work in hand may take after a stop was asked for."""

    @field_validator("store")
    @classmethod
    def _reachable(cls, url: str, validation: ValidationInfo) -> str:
        return store_address(url, located=lambda path: _located(path, validation))

    @property
    def store_path(self) -> Path:
        """Where the SQLite file is."""
        return Path(self.store.removeprefix(SQLITE))

    @property
    def base_url(self) -> str:
        """What links start with."""
        return self.public_url or f"http://{bracketed(self.host)}:{self.port}"

    @property
    def unreachable(self) -> str:
        """Why links would lead nowhere; empty when they do not."""
        if self.public_url or is_loopback(self.host):
            return ""
        return f"public_url: is not set, and links to {self.host} lead nowhere; set it"


def bracketed(host: str, /) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def environment() -> Mapping[str, str]:
    """This process's environment, as it was when asked."""
    return MappingProxyType(dict(os.environ))  # noqa: TID251  # the one reader


def settings_path(given: Path | None, /, *, variables: Mapping[str, str]) -> Path:
    """Where settings stand: given, else by variable, else in the working directory."""
    return given or Path(variables.get(PATH_VARIABLE) or DEFAULT_PATH)


def read_settings(
    path: Path | None = None, /, *, variables: Mapping[str, str] | None = None
) -> Settings:
    """Read them once.

    Raises:
        Misconfigured: names the file, the line and the field.
    """
    variables = environment() if variables is None else variables
    source = read_source(settings_path(path, variables=variables))
    document = overlaid(source.document, variables=variables, top=frozenset(Settings.model_fields))
    context = Context(folder=source.path.parent.absolute(), environment=variables)
    try:
        return Settings.model_validate(document, context=context)
    except ValidationError as e:
        problems = [_words(source, fault) for fault in e.errors(include_url=False)]
    raise Misconfigured("\n".join(problems))


def _words(source: Source, fault: Any) -> str:  # noqa: ANN401  # pydantic's ErrorDetails
    """One mistake; the text that was written is left out, it might be a secret."""
    place = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        message = "there is no such setting; see the documented keylease.yaml"
    else:
        message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{source.place(fault['loc'])}: {'.'.join(place)}: {message}"
