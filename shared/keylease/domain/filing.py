"""The public JSON form of a message: what a ticket tool's script or a queue's producer writes.

A webhook wraps a form into `{"type": "access.request", "data": {...}}`; a CloudEvent carries the
same form as its data, with the type `io.keylease.access.request.v1`. Fields are only added.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from keylease.domain.access import Action, Permission, ResourceType
from keylease.domain.duration import parse_duration
from keylease.domain.intake import Ask, AskStatus, GiveReview, Release, Said
from keylease.domain.people import ExternalId
from keylease.domain.request import Verdict
from keylease.errors import BadInput

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
RequestId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class Form(BaseModel):
    """Closed: an unknown field is a mistake that the sender shall hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class PersonForm(Form):
    """A person, by the id that a platform never changes: no name, no e-mail address."""

    platform: Name = Field(description="Such as `slack`; `webhook` for the sender's own ids.")
    tenant: Name | None = Field(
        default=None, description="Such as a Slack team id; left out for the sender's own ids."
    )
    subject: Name = Field(description="Such as `U0REQ0001`.")


Person = Annotated[
    PersonForm | Name,
    Field(description="A person; a bare string is the sender's own id, kept in the directory."),
]


class PermissionForm(Form):
    """Actions on one resource."""

    resource: ResourceType
    name: Name = Field(default="*", description="Topic or consumer group; `*` for a cache.")
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=4)]
    whitelist: Annotated[tuple[Name, ...], Field(max_length=50)] = Field(
        default=(), description="CIDR blocks that clients come from."
    )


class RequestForm(Form):
    """Somebody asks for access: an entitlement, or a target and permissions."""

    requester: Person | None = Field(
        default=None, description="Who will hold the access; left out: the sender itself."
    )
    entitlement: Name | None = None
    target: Name | None = None
    permissions: Annotated[tuple[PermissionForm, ...], Field(max_length=100)] = ()
    account: Name | None = Field(default=None, description="User name of a standing account.")
    duration: Name = Field(description="Such as `8h` or `2h30m`.", examples=["8h"])
    reason: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    ticket: Name | None = None


class ReviewForm(Form):
    """A reviewer approves or denies."""

    reviewer: Person
    request_id: RequestId
    verdict: Verdict
    digest: Annotated[str, StringConstraints(max_length=128)] = Field(
        default="", description="Digest of the request as the reviewer saw it."
    )
    reason: Annotated[str, StringConstraints(max_length=4000)] = ""


class ReleaseForm(Form):
    """Access is given back early, or an open request is taken back."""

    requester: Person | None = None
    request_id: RequestId


class StatusForm(Form):
    """How far is a request, or (without an id) are all of them?"""

    requester: Person | None = None
    request_id: RequestId | None = None


AnyForm = RequestForm | ReviewForm | ReleaseForm | StatusForm
FORMS: dict[str, type[RequestForm | ReviewForm | ReleaseForm | StatusForm]] = {
    "access.request": RequestForm,
    "access.review": ReviewForm,
    "access.release": ReleaseForm,
    "access.status": StatusForm,
}


class _Wrapped(Form):
    timestamp: str | None = Field(default=None, description="Not read; the header is signed.")


class RequestMessage(_Wrapped):
    """Ask for access."""

    type: Literal["access.request"]
    data: RequestForm


class ReviewMessage(_Wrapped):
    """Approve or deny."""

    type: Literal["access.review"]
    data: ReviewForm


class ReleaseMessage(_Wrapped):
    """Give back."""

    type: Literal["access.release"]
    data: ReleaseForm


class StatusMessage(_Wrapped):
    """Ask how far it is."""

    type: Literal["access.status"]
    data: StatusForm


Message = Annotated[
    RequestMessage | ReviewMessage | ReleaseMessage | StatusMessage, Field(discriminator="type")
]


def read_form(type_: str, content: JsonValue, /) -> AnyForm:
    """The form of that type.

    Raises:
        BadInput: an unknown type, or a field that is wrong; says which, never its value.
    """
    kind = FORMS.get(type_)
    if kind is None:
        msg = f"no such type; use one of {', '.join(FORMS)}"
        raise BadInput(msg, field="type", code="type_unknown")
    try:
        return kind.model_validate(content)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(["data", *(str(part) for part in first["loc"])])
        raise BadInput(first["msg"], field=place, code="field_wrong") from e


def meaning(form: AnyForm, /, *, person: ExternalId | None) -> Said:
    """What a form says; `person` is whom it names, already checked and complete.

    Raises:
        BadInput: the duration is not understood.
    """
    match form:
        case RequestForm():
            return _ask(form, person=person)
        case ReviewForm():
            return GiveReview(
                request_id=form.request_id,
                verdict=form.verdict,
                digest=form.digest,
                reason=form.reason,
            )
        case ReleaseForm():
            return Release(request_id=form.request_id)
        case _:  # a StatusForm
            return AskStatus(request_id=form.request_id)


def named(form: AnyForm, /) -> PersonForm | str | None:
    """Whom the form speaks for."""
    return form.reviewer if isinstance(form, ReviewForm) else form.requester


def _ask(form: RequestForm, *, person: ExternalId | None) -> Ask:
    permissions = tuple(
        Permission(
            resource=permission.resource,
            name=permission.name,
            actions=frozenset(permission.actions),
            whitelist=frozenset(permission.whitelist),
        )
        for permission in form.permissions
    )
    return Ask(
        entitlement=form.entitlement,
        target=form.target,
        permissions=permissions,
        account=form.account,
        duration=_duration(form.duration),
        reason=form.reason,
        ticket=form.ticket,
        on_behalf_of=person,
    )


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except (BadInput, ValueError) as e:
        msg = "not a duration; write it such as 8h or 2h30m"
        raise BadInput(msg, field="data.duration", code="field_wrong") from e
