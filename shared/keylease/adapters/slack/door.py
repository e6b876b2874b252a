"""Slack's entrance: proves the sender, binds the workspace, reads commands, buttons and mentions.

The order is fixed: headers, time and signature over exact bytes come first;
nothing of the body is decoded before. A button carries a request id and a digest, never authority,
and the text of a message is never read back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from pydantic_core import to_json

from keylease.adapters.slack.command import parse
from keylease.adapters.slack.envelope import (
    Actions,
    Command,
    EventCall,
    Interaction,
    UrlVerification,
    read_envelope,
)
from keylease.adapters.slack.signature import verify
from keylease.domain.genuine import read_json
from keylease.domain.intake import Arrived, AskHelp, GiveReview, Reply, Said
from keylease.domain.people import ExternalId
from keylease.domain.request import Verdict
from keylease.domain.secret import Secret
from keylease.errors import BadInput, Misconfigured, NotGenuine
from keylease.ports.doors import Call
from keylease.ports.http import HttpResponse

APPROVE = "access_approve"
DENY = "access_deny"
_VERDICTS = {APPROVE: Verdict.APPROVE, DENY: Verdict.DENY}
_VALUE = re.compile(r"([A-Za-z0-9-]{1,64}):([A-Za-z0-9:_-]{1,128})")
_MENTION = re.compile(r"\s*<@[A-Z0-9]+(\|[^>]*)?>")
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
SHORTEST_SECRET = 16
ACK = HttpResponse(status=200)


@dataclass(frozen=True, slots=True)
class SlackDoor:
    """One workspace (or one enterprise organisation) and one app in it."""

    tenant: str
    signing_secrets: tuple[Secret, ...] = field(repr=False)
    """The current one, then the previous one while it is being replaced."""
    team_id: str | None = None
    enterprise_id: str | None = None
    """At least one of the two; a call of another workspace is not genuine."""
    api_app_id: str | None = None

    def __post_init__(self) -> None:
        if any(len(secret.reveal()) < SHORTEST_SECRET for secret in self.signing_secrets):
            msg = "a signing secret is too short; copy it again from the app's page"
            raise Misconfigured(msg)

    def open(self, call: Call, /, *, now: datetime) -> tuple[Arrived, ...] | HttpResponse:
        verify(call, secrets=self.signing_secrets, now=now)
        match _kind(call):
            case "application/json":
                return self._event(call.body)
            case "application/x-www-form-urlencoded":
                return self._form(call.body)
        msg = f"send {_FORM} or {_JSON}"
        raise BadInput(msg, field="content-type", code="unsupported_media_type")

    def answer(self, call: Call, /, *, replies: tuple[Reply, ...]) -> HttpResponse:
        if not _is_command(call) or not replies:
            return ACK
        return ephemeral("\n".join(reply.text for reply in replies))

    def refuse(self, call: Call, /, *, problem: BadInput) -> HttpResponse:
        if problem.code == "command_not_understood":
            return ephemeral(str(problem))
        if problem.code == "unsupported_media_type":
            return HttpResponse(status=415)
        if _kind(call) == _JSON and problem.code == "envelope_malformed":
            return ACK  # anything else makes Slack send the event again
        body = to_json({"error": problem.code, "problem": str(problem)})
        return HttpResponse(status=400, headers={"content-type": _JSON}, body=body)

    def _form(self, body: bytes) -> tuple[Arrived, ...] | HttpResponse:
        fields = _fields(body)
        if "ssl_check" in fields:
            return ACK
        if "payload" in fields:
            return self._interaction(fields["payload"])
        command = read_envelope(Command, fields)
        self._bind(team=command.team_id, enterprise=command.enterprise_id, app=command.api_app_id)
        sender = self._person(command.user_id, team=None, call_team=command.team_id)
        said = _understand(unescape(command.text))
        return (self._arrived(f"command:{command.trigger_id}", sender=sender, said=said),)

    def _interaction(self, payload: str) -> tuple[Arrived, ...] | HttpResponse:
        document = read_json(payload)
        interaction = read_envelope(Interaction, document)
        team, enterprise = interaction.team_of(), interaction.enterprise_of()
        self._bind(team=team, enterprise=enterprise, app=interaction.api_app_id)
        if interaction.type != "block_actions":
            return ACK  # a view or shortcut is not ours; an empty 200 closes it
        actions = read_envelope(Actions, document)
        sender = self._person(actions.user.id, team=actions.user.team_id, call_team=team)
        return tuple(self._presses(actions, team=team or "", sender=sender)) or ACK

    def _presses(self, pressed: Actions, *, team: str, sender: ExternalId) -> Iterator[Arrived]:
        for action in pressed.actions:
            value = _VALUE.fullmatch(action.value or "")
            if action.action_id not in _VERDICTS or value is None:
                continue
            where = (team, sender.subject, pressed.stamp(), action.action_id, action.action_ts)
            said = GiveReview(
                request_id=value[1], verdict=_VERDICTS[action.action_id], digest=value[2]
            )
            yield self._arrived(f"action:{':'.join(where)}", sender=sender, said=said)

    def _event(self, body: bytes) -> tuple[Arrived, ...] | HttpResponse:
        document = read_json(body)
        if isinstance(document, dict) and document.get("type") == "url_verification":
            challenge = read_envelope(UrlVerification, document).challenge
            return HttpResponse(
                status=200,
                headers={"content-type": _JSON},
                body=to_json({"challenge": challenge}),
            )
        event = read_envelope(EventCall, document)
        self._bind(team=event.team_id, enterprise=event.enterprise_id, app=event.api_app_id)
        mention = event.event
        if event.type != "event_callback" or mention.type != "app_mention" or not mention.user:
            return ACK
        sender = self._person(mention.user, team=mention.user_team, call_team=event.team_id)
        said = _understand(unescape(_MENTION.sub("", mention.text, count=1)))
        return (self._arrived(f"event:{event.event_id}", sender=sender, said=said),)

    def _bind(self, *, team: str | None, enterprise: str | None, app: str | None) -> None:
        """Refuse a call of another workspace, organisation or app.

        Slack leaves out `enterprise` in some payloads and `api_app_id` in old ones; the signing
        secret is the app's own, so what is absent is proved by the signature already.
        """
        if self.team_id is None and self.enterprise_id is None:
            raise NotGenuine("tenant_unbound")
        if self.team_id is not None and team != self.team_id:
            raise NotGenuine("team_mismatch")
        if self.team_id is None and enterprise != self.enterprise_id:
            raise NotGenuine("enterprise_mismatch")
        if enterprise and self.enterprise_id and enterprise != self.enterprise_id:
            raise NotGenuine("enterprise_mismatch")
        if app and self.api_app_id and app != self.api_app_id:
            raise NotGenuine("app_mismatch")

    def _person(self, user: str, *, team: str | None, call_team: str | None) -> ExternalId:
        """Who it is. A guest of another workspace keeps that one's id, and so stays a stranger."""
        home = self.team_id or self.enterprise_id or ""
        is_ours = team in (None, home, None if self.team_id else call_team)
        return ExternalId(platform="slack", tenant=home if is_ours else team or "", subject=user)

    def _arrived(self, key: str, *, sender: ExternalId, said: Said) -> Arrived:
        return Arrived(source="slack", tenant=self.tenant, key=key, sender=sender, said=said)


def ephemeral(text: str, /) -> HttpResponse:
    """An answer that only the sender sees; nothing in `text` mentions or links anybody."""
    content = {"response_type": "ephemeral", "mrkdwn": False, "text": escape(text)}
    return HttpResponse(status=200, headers={"content-type": _JSON}, body=to_json(content))


def escape(text: str, /) -> str:
    """Plain text as Slack shows it literally."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str, /) -> str:
    """What the person typed, from the three entities that Slack writes for it."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _understand(text: str) -> Said:
    try:
        return parse(text)
    except BadInput as e:
        return AskHelp(problem=str(e))


def _kind(call: Call) -> str:
    types = call.all("content-type")
    return types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""


def _is_command(call: Call) -> bool:
    return _kind(call) == _FORM and b"payload=" not in call.body[:8]


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=64,
        )
    except ValueError as e:
        msg = "the form is not well formed"
        raise BadInput(msg, code="form_malformed") from e
    if len({name for name, _ in pairs}) != len(pairs):
        msg = "a field is given twice"
        raise BadInput(msg, code="field_repeated")
    return {name: value for name, value in pairs if value}
