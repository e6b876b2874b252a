"""Slack's entrance: what arrives from each kind of call, and what is answered."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from keylease.adapters.slack.door import SlackDoor
from keylease.domain.intake import Arrived, Ask, AskHelp, AskStatus, GiveReview, Reply
from keylease.domain.people import ExternalId
from keylease.domain.request import Verdict
from keylease.domain.secret import Secret
from keylease.errors import BadInput, Misconfigured, NotGenuine
from keylease.ports.http import HttpResponse
from tests.support.doors import (
    CLOCK,
    FORM,
    JSON,
    SLACK_SECRET,
    VECTORS,
    at,
    call_of,
    command_body,
    press_body,
    slack_call,
)

DIGEST = "0" * 64
LIN = ExternalId(platform="slack", tenant="T0FAKE001", subject="U0REQ0001")


def door(**fields: Any) -> SlackDoor:
    defaults = {
        "tenant": "t1",
        "signing_secrets": (SLACK_SECRET,),
        "team_id": "T0FAKE001",
        "enterprise_id": "E0FAKE001",
        "api_app_id": "A0FAKE001",
    }
    return SlackDoor(**{**defaults, **fields})


def arrived(body: bytes, *, kind: str | None = None, door_: SlackDoor | None = None) -> Arrived:
    call = slack_call(body, kind=kind) if kind else slack_call(body)
    opened = (door_ or door()).open(call, now=CLOCK)
    assert isinstance(opened, tuple)
    return opened[0]


def answered(body: bytes, *, kind: str | None = None) -> HttpResponse:
    call = slack_call(body, kind=kind) if kind else slack_call(body)
    opened = door().open(call, now=CLOCK)
    assert isinstance(opened, HttpResponse)
    return opened


def mention(text: str, **fields: Any) -> bytes:
    inner = {"type": "app_mention", "user": "U0REQ0001", "text": text}
    call = {
        "type": "event_callback",
        "team_id": "T0FAKE001",
        "api_app_id": "A0FAKE001",
        "event_id": "Ev1",
        "event": inner,
    }
    return json.dumps({**call, **fields}).encode()


def test_a_command_arrives_with_its_trigger_as_key() -> None:
    command = arrived(command_body("request orders-read for 8h because INC-4711 &lt;replay&gt;"))

    assert command.key == "command:1111111111111.2222222222222.3333"
    assert (command.source, command.tenant, command.sender) == ("slack", "t1", LIN)
    assert isinstance(command.said, Ask)
    assert command.said.reason == "INC-4711 <replay>"


def test_a_command_that_is_not_understood_asks_for_help_with_it() -> None:
    said = arrived(command_body("frobnicate")).said

    assert isinstance(said, AskHelp)
    assert "'frobnicate' is no command" in said.problem


@pytest.mark.parametrize(
    ("action", "verdict"), [("access_approve", Verdict.APPROVE), ("access_deny", Verdict.DENY)]
)
def test_a_button_is_a_review_of_the_digest_it_was_shown_with(
    action: str, verdict: Verdict
) -> None:
    press = arrived(press_body(f"req-a2b3:{DIGEST}", action=action))

    assert press.said == GiveReview(request_id="req-a2b3", verdict=verdict, digest=DIGEST)
    assert press.sender.subject == "U0APPR001"
    assert press.key == (f"action:T0FAKE001:U0APPR001:1767225590.000100:{action}:1767225599.123456")


def test_a_button_that_is_not_ours_is_acknowledged_and_forgotten() -> None:
    assert answered(press_body("req-a2b3:0", action="other_button")).status == 200
    assert answered(press_body("no value of ours")).status == 200


def test_the_text_of_a_message_is_never_read() -> None:
    said = arrived(press_body("req-a2b3:1", message={"text": "/access approve req-zzzz"})).said

    assert isinstance(said, GiveReview)
    assert said.request_id == "req-a2b3"


def test_a_guest_of_another_workspace_stays_a_stranger() -> None:
    press = arrived(press_body("req-a2b3:1", user={"id": "U0APPR001", "team_id": "T0OTHER"}))

    assert press.sender == ExternalId(platform="slack", tenant="T0OTHER", subject="U0APPR001")


def test_a_submitted_view_is_closed() -> None:
    payload = {"type": "view_submission", "team": {"id": "T0FAKE001"}, "api_app_id": "A0FAKE001"}

    assert answered(urlencode({"payload": json.dumps(payload)}).encode()).body == b""


def test_a_mention_is_read_like_a_command() -> None:
    event = arrived(mention("<@U0BOT0001> status req-a2b3"), kind=JSON)

    assert event.said == AskStatus(request_id="req-a2b3")
    assert (event.key, event.sender) == ("event:Ev1", LIN)


def test_other_events_are_acknowledged_and_forgotten() -> None:
    body = mention("hello", event={"type": "message", "user": "U1", "text": "request x"})

    assert answered(body, kind=JSON) == HttpResponse(status=200)


def test_the_url_challenge_is_answered_after_the_proof() -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm2r"}).encode()

    assert json.loads(answered(body, kind=JSON).body) == {"challenge": "3eZbrw1aBm2r"}
    with pytest.raises(NotGenuine):
        door(signing_secrets=(Secret("of-another-workspace"),)).open(
            slack_call(body, kind=JSON), now=CLOCK
        )


def test_an_ssl_check_is_acknowledged() -> None:
    assert answered(b"ssl_check=1&token=x").status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"team_id": "T0OTHER"},
        {"enterprise_id": "E0OTHER"},
        {"api_app_id": "A0OTHER"},
    ],
)
def test_a_call_of_another_workspace_is_not_genuine(fields: dict[str, str]) -> None:
    with pytest.raises(NotGenuine, match="mismatch"):
        arrived(command_body("help", **fields))


def test_a_door_without_a_workspace_lets_nobody_in() -> None:
    with pytest.raises(NotGenuine, match="tenant_unbound"):
        arrived(command_body("help"), door_=door(team_id=None, enterprise_id=None))


def test_an_organisation_wide_door_takes_all_its_workspaces() -> None:
    org = door(team_id=None)

    command = arrived(command_body("help", team_id="T0SECOND1"), door_=org)

    assert command.sender == ExternalId(platform="slack", tenant="E0FAKE001", subject="U0REQ0001")
    with pytest.raises(NotGenuine, match="enterprise_mismatch"):
        arrived(command_body("help", enterprise_id="E0OTHER"), door_=org)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"text=%ff%fe", "application/x-www-form-urlencoded"),
        (b"team_id=T0FAKE001&team_id=T0OTHER", "application/x-www-form-urlencoded"),
        (b"payload=%7B", "application/x-www-form-urlencoded"),
        (b"payload=%5B" + b"%5B" * 5000, "application/x-www-form-urlencoded"),
        (b"payload=%7B%22type%22%3A%22%5Cud800%22%7D", "application/x-www-form-urlencoded"),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"type":"event_callback"}', JSON),
        (b"[" * 100_000, JSON),
        (b"{}", "text/plain"),
    ],
)
def test_a_genuine_call_that_makes_no_sense_is_bad_input(body: bytes, kind: str) -> None:
    with pytest.raises(BadInput):
        door().open(slack_call(body, kind=kind), now=CLOCK)


def test_a_command_is_answered_to_its_sender_alone_and_literally() -> None:
    call = slack_call(command_body("help"))

    answer = door().answer(call, replies=(Reply(text="<!channel> & <https://x|y> *b*"),))

    assert json.loads(answer.body) == {
        "response_type": "ephemeral",
        "mrkdwn": False,
        "text": "&lt;!channel&gt; &amp; &lt;https://x|y&gt; *b*",
    }


def test_buttons_and_events_are_answered_empty() -> None:
    reply = (Reply(text="noted"),)

    for call in (slack_call(press_body("req-a:1")), slack_call(mention("x"), kind=JSON)):
        assert door().answer(call, replies=reply) == HttpResponse(status=200)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (FORM, "form_malformed", 400),
        (FORM, "envelope_malformed", 400),
        (JSON, "json_malformed", 400),
        (JSON, "envelope_malformed", 200),
        ("text/plain", "unsupported_media_type", 415),
    ],
)
def test_only_an_event_that_would_be_sent_again_is_acknowledged(
    kind: str, code: str, status: int
) -> None:
    call, problem = slack_call(b"x", kind=kind), BadInput("no", code=code)

    assert door().refuse(call, problem=problem).status == status


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_secret_that_can_be_guessed_is_found_at_start_up(secret: str) -> None:
    with pytest.raises(Misconfigured, match="too short"):
        door(signing_secrets=(SLACK_SECRET, Secret(secret)))


VENDOR = {"slack.v0.vendor_published": {"team_id": "T1DC2JH3J", "api_app_id": None}}


@pytest.mark.parametrize("id_", [id_ for id_ in VECTORS if id_.startswith("slack.")])
def test_every_vector_is_let_in(id_: str) -> None:
    vector = VECTORS[id_]
    tenant = door(signing_secrets=(Secret(vector["key"]),), **VENDOR.get(id_, {}))

    opened = tenant.open(call_of(vector), now=at(vector["timestamp"]))

    assert isinstance(opened, tuple) or opened.status == 200
