"""For whom a proved machine may speak, and its forms turned into what has arrived.

A machine acts for itself. Filing for people needs trust by platform; reviews need a second,
separate trust, because whoever holds the machine's secret could then approve as anybody.
"""

from dataclasses import dataclass

from keylease.domain.filing import AnyForm, PersonForm, ReviewForm, meaning, named
from keylease.domain.intake import Arrived, Ask
from keylease.domain.people import ExternalId
from keylease.errors import BadInput

MACHINES = frozenset({"webhook", "cloudevents"})
"""Platforms whose ids are each tenant's own."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a machine may say for other people; nothing, unless it is written down."""

    files_for: frozenset[str] = frozenset()
    """Platforms (`slack`) or platform and tenant (`slack:T0FAKE001`)."""
    may_review: bool = False

    def covers(self, person: ExternalId, /) -> bool:
        scopes = {person.platform, f"{person.platform}:{person.tenant}"}
        return not scopes.isdisjoint(self.files_for)


@dataclass(frozen=True, slots=True)
class Machine:
    """A proved sender."""

    identity: ExternalId
    trust: Trust

    def says(self, form: AnyForm, /, *, key: str, traceparent: str | None = None) -> Arrived:
        """What has arrived, once the machine is trusted to say it.

        Raises:
            BadInput: it is not, or the form makes no sense.
        """
        person = self._person(named(form))
        if isinstance(form, ReviewForm) and not self.trust.may_review:
            msg = "this sender may not give reviews; a person reviews in the chat"
            raise BadInput(msg, field="type", code="not_allowed")
        said = meaning(form, person=person)
        acts_itself = isinstance(said, Ask) or person is None
        return Arrived(
            source=self.identity.platform,
            tenant=self.identity.tenant,
            key=key,
            sender=self.identity if acts_itself or person is None else person,
            said=said,
            traceparent=traceparent,
        )

    def _person(self, person: PersonForm | str | None) -> ExternalId | None:
        """Whom the form names, complete; a bare string is an id of the machine's own tenant."""
        if person is None:
            return None
        own = self.identity
        if isinstance(person, str):
            person = PersonForm(platform=own.platform, subject=person)
        tenant = person.tenant or own.tenant
        complete = ExternalId(platform=person.platform, tenant=tenant, subject=person.subject)
        is_foreign = complete.platform in MACHINES and tenant != own.tenant
        if is_foreign or not self.trust.covers(complete):
            msg = f"this sender may not speak for people of {person.platform}"
            raise BadInput(msg, field="data.requester", code="not_allowed")
        return complete
