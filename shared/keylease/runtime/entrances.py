"""From settings to doors: who may come in where, and how they prove themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keylease.adapters.cloudevents.door import CloudEventsDoor, Producer
from keylease.adapters.cloudevents.queue import QueueDoor
from keylease.adapters.slack.door import SlackDoor
from keylease.adapters.webhook.door import WebhookDoor
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.secret import Secret
from keylease.domain.trust import Trust
from keylease.ports.doors import Door
from keylease.runtime import sections
from keylease.runtime.references import Sourced, placed
from keylease.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Entrances:
    """Doors by tenant."""

    slack: Mapping[str, Door] = field(default_factory=dict)
    webhook: Mapping[str, Door] = field(default_factory=dict)
    events: Door | None = None


def entrances(settings: Settings, /) -> Entrances:
    """All doors that settings describe.

    Raises:
        Misconfigured: a secret that proves a sender cannot be read; names its section.
    """
    return Entrances(
        slack={name: _slack(name, one) for name, one in settings.slack.items()},
        webhook={name: _webhook(name, one) for name, one in settings.webhook.items()},
        events=_events(settings.events) if settings.events.producers else None,
    )


def queue_door(settings: Settings, /) -> QueueDoor:
    """What a queue brings in; apart, as it needs no secret of the other doors.

    Raises:
        Misconfigured: as above.
    """
    named = settings.events.producers.items()
    return QueueDoor(tuple(_producer(name, one) for name, one in named if one.queued))


def _slack(name: str, tenant: sections.SlackTenant) -> Door:
    given = (tenant.signing_secret, tenant.previous_signing_secret)
    with placed(f"slack.{name}"):
        return SlackDoor(
            tenant=name,
            signing_secrets=_secrets(one for one in given if one is not None),
            team_id=tenant.team_id,
            enterprise_id=tenant.enterprise_id,
            api_app_id=tenant.api_app_id,
        )


def _webhook(name: str, tenant: sections.WebhookTenant) -> Door:
    with placed(f"webhook.{name}"):
        return WebhookDoor(
            tenant=name,
            proof=_proof(tenant.secrets, tenant.public_keys),
            subject=tenant.subject,
            trust=_trust(tenant),
        )


def _events(section: sections.Events) -> Door:
    producers = tuple(_producer(name, one) for name, one in section.producers.items())
    return CloudEventsDoor(producers=producers, origins=section.origins, rate=section.rate)


def _producer(name: str, section: sections.Producer) -> Producer:
    is_signing = section.secrets or section.public_keys
    with placed(f"events.producers.{name}"):
        return Producer(
            tenant=name,
            sources=section.sources,
            tokens=_secrets(section.tokens),
            proof=_proof(section.secrets, section.public_keys) if is_signing else None,
            trust=_trust(section),
        )


def _proof(secrets: tuple[Sourced, ...], public_keys: tuple[str, ...]) -> StandardWebhooks:
    return StandardWebhooks(secrets=_secrets(secrets), public_keys=public_keys)


def _secrets(given: Iterable[Sourced]) -> tuple[Secret, ...]:
    return tuple(one.secret() for one in given)


def _trust(section: sections.Trusted) -> Trust:
    return Trust(files_for=section.files_for, may_review=section.may_review)
