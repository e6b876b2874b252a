"""The shapes of what Slack sends: only the fields that are read; everything else may change."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, ValidationError

from keylease.errors import BadInput

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")]


class Envelope(BaseModel):
    """A vendor's shape: unknown fields are theirs to add."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)


E = TypeVar("E", bound=Envelope)


class Command(Envelope):
    """A slash command, as form fields."""

    team_id: Id
    enterprise_id: Id | None = None
    api_app_id: Id | None = None
    user_id: Id
    trigger_id: Id
    text: str = ""


class Place(Envelope):
    """A workspace or an organisation."""

    id: Id


class User(Envelope):
    """Who pressed."""

    id: Id
    team_id: Id | None = None


class Interaction(Envelope):
    """What every interactive payload has."""

    type: str
    team: Place | None = None
    enterprise: Place | None = None
    api_app_id: Id | None = None

    def team_of(self) -> str | None:
        return self.team.id if self.team else None

    def enterprise_of(self) -> str | None:
        return self.enterprise.id if self.enterprise else None


class Action(Envelope):
    """One pressed element."""

    action_id: str = ""
    value: str | None = None
    action_ts: Id


class Container(Envelope):
    """Where the pressed element stands."""

    message_ts: Id | None = None


class Actions(Interaction):
    """Buttons that were pressed."""

    user: User
    container: Container = Container()
    actions: tuple[Action, ...]

    def stamp(self) -> str:
        return self.container.message_ts or ""


class UrlVerification(Envelope):
    """Slack asks whether this URL is ours."""

    challenge: str


class Mention(Envelope):
    """The inner event; only `app_mention` is read."""

    type: str
    user: Id | None = None
    user_team: Id | None = None
    text: str = ""


class EventCall(Envelope):
    """An event of the Events API."""

    type: str
    team_id: Id | None = None
    enterprise_id: Id | None = None
    api_app_id: Id | None = None
    event_id: Id
    event: Mention


def read_envelope(kind: type[E], document: JsonValue | dict[str, str], /) -> E:
    """The typed shape.

    Raises:
        BadInput: a field that we read is missing or has another type; says which, not its value.
    """
    try:
        return kind.model_validate(document, strict=False)
    except ValidationError as e:
        place = ".".join(str(part) for part in e.errors()[0]["loc"])
        msg = "missing, or not as Slack sends it"
        raise BadInput(msg, field=place, code="envelope_malformed") from e
