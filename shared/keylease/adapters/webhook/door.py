"""The webhook's entrance: a signed JSON message from a ticket tool's script or a service."""

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import to_json

from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.filing import read_form
from keylease.domain.genuine import read_json
from keylease.domain.intake import Arrived, Reply
from keylease.domain.people import ExternalId
from keylease.domain.trust import Machine, Trust
from keylease.errors import BadInput
from keylease.ports.doors import Call
from keylease.ports.http import HttpResponse

_JSON = "application/json"
_STATUS = {"unsupported_media_type": 415, "not_allowed": 403}
_ENVELOPE = frozenset({"type", "timestamp", "data"})


@dataclass(frozen=True, slots=True)
class WebhookDoor:
    """One tenant: its keys, who it is, and what it is trusted with."""

    tenant: str
    proof: StandardWebhooks
    subject: str = "sender"
    """The directory knows the sender itself as (`webhook`, tenant, subject)."""
    trust: Trust = field(default_factory=Trust)

    def open(self, call: Call, /, *, now: datetime) -> tuple[Arrived, ...] | HttpResponse:
        message_id = self.proof.verify(call, now=now)
        type_, content = _unwrap(call)
        identity = ExternalId(platform="webhook", tenant=self.tenant, subject=self.subject)
        machine = Machine(identity=identity, trust=self.trust)
        return (machine.says(read_form(type_, content), key=message_id),)

    def answer(self, call: Call, /, *, replies: tuple[Reply, ...]) -> HttpResponse:  # noqa: ARG002  # the port's; every call is answered alike
        content = [
            {"text": reply.text, "request_id": reply.request_id, "refused": reply.refused}
            for reply in replies
        ]
        status = 422 if any(reply.refused for reply in replies) else 200
        return _json(status, content[0] if len(content) == 1 else {"replies": content})

    def refuse(self, call: Call, /, *, problem: BadInput) -> HttpResponse:  # noqa: ARG002  # as above
        content = {"error": problem.code, "field": problem.field, "problem": str(problem)}
        return _json(_STATUS.get(problem.code, 400), content)


def _unwrap(call: Call) -> tuple[str, JsonValue]:
    """Type and content of the envelope, whose fields are closed as the forms are."""
    types = call.all("content-type")
    if len(types) > 1 or (types and types[0].partition(";")[0].strip().lower() != _JSON):
        msg = f"send {_JSON}"
        raise BadInput(msg, field="content-type", code="unsupported_media_type")
    document = read_json(call.body, unique_keys=True)
    if not isinstance(document, dict) or not document.keys() <= _ENVELOPE:
        msg = f"send one object with {', '.join(sorted(_ENVELOPE))} and nothing else"
        raise BadInput(msg, code="envelope_malformed")
    type_ = document.get("type")
    if not isinstance(type_, str):
        msg = "say which kind of message this is"
        raise BadInput(msg, field="type", code="type_unknown")
    return type_, document.get("data")


def _json(status: int, content: object) -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": _JSON}, body=to_json(content))
