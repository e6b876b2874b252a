"""Messages reach Slack as Slack wants them, and its refusals become errors that say what to do."""

import json
import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from keylease.adapters.slack.chat import (
    SLACK_API,
    Bot,
    SlackChat,
    SlackChats,
    unsafe_local_api,
)
from keylease.adapters.system.http import AiohttpHttp
from keylease.domain.people import ExternalId
from keylease.domain.secret import Secret
from keylease.emulator.slack import FakeSlack, Refusal, slack_stand_in
from keylease.errors import (
    InvariantBroken,
    Misconfigured,
    ProviderAmbiguous,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.chat import Button, Message, Posted
from keylease.ports.http import (
    Http,
    HttpNotSent,
    HttpOutcomeUnknown,
    HttpRequest,
    HttpResponse,
)

TOKEN = "xoxb-fake-canary-token"
ANA = ExternalId(platform="slack", tenant="T0FAKE001", subject="U0REQ0001")
HELLO = Message(text="hello")
LINK = "https://keylease.example.com/claim/Canary-token_0123456789"


@pytest.fixture
async def slack() -> AsyncIterator[tuple[FakeSlack, str]]:
    async with slack_stand_in(token=TOKEN) as running:
        yield running


@pytest.fixture
async def chat(slack: tuple[FakeSlack, str]) -> AsyncIterator[SlackChat]:
    async with AiohttpHttp() as http:
        yield chat_over(http, api=slack[1])


def chat_over(http: Http, *, api: str = "http://127.0.0.1:1/api") -> SlackChat:
    return SlackChat(
        tenant="T0FAKE001", token=SecretStr(TOKEN), http=http, api=unsafe_local_api(api)
    )


async def test_a_message_to_a_person_lands_in_their_direct_channel(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    posted = await chat.tell(ANA, HELLO)

    assert posted == Posted(tenant="T0FAKE001", channel="D0REQ0001", stamp="1767225600.000100")
    assert [message.text for message in slack[0].messages] == ["hello"]


async def test_a_message_is_replaced_where_it_stands(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    button = Button(action="approve", label="Approve", value="req-1:abc")
    posted = await chat.post("#approvals", Message(text="question", buttons=(button,)))

    await chat.update(posted, Message(text="settled"))

    (message,) = slack[0].messages
    assert (message.text, message.is_edited) == ("settled", True)
    assert [block["type"] for block in message.blocks] == ["section"]


async def test_replacing_a_message_that_is_gone_succeeds(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    gone = Posted(tenant="T0FAKE001", channel="C1", stamp="1.0")

    await chat.update(gone, HELLO)

    assert (slack[0].calls, slack[0].messages) == (["chat.update"], [])


async def test_a_link_is_never_posted_to_a_channel(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    with pytest.raises(InvariantBroken):
        await chat.post("#approvals", Message(text="x", link=Secret(LINK), link_label="Open"))

    assert slack[0].calls == []


async def test_a_link_stands_in_the_message_but_not_in_the_notification(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    await chat.tell(ANA, Message(text="yours", link=Secret(LINK), link_label="Show it"))

    (message,) = slack[0].messages
    assert message.text == "yours"
    assert message.blocks[1]["text"]["text"] == f"<{LINK}|Show it>"


async def test_slack_neither_unfurls_nor_parses_what_is_said() -> None:
    http = Scripted(HttpResponse(status=200, body=b'{"ok":true,"channel":"D1","ts":"1.0"}'))

    await chat_over(http).tell(ANA, HELLO)

    body = http.sent[0].body
    for setting in (b'"unfurl_links": false', b'"unfurl_media": false', b'"parse": "none"'):
        assert setting in body


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(error="channel_not_found"), ProviderNotFound),
        (Refusal(error="not_in_channel"), ProviderDenied),
        (Refusal(error="invalid_auth"), ProviderDenied),
        (Refusal(error="token_revoked"), ProviderDenied),
        (Refusal(error="is_archived"), ProviderRefused),
        (Refusal(error="never_heard_of_this"), ProviderRefused),
        (Refusal(error="service_unavailable"), ProviderTransient),
        (Refusal(error="fatal_error"), ProviderAmbiguous),
        (Refusal(status=500), ProviderAmbiguous),
        (Refusal(status=404), ProviderRefused),
    ],
)
async def test_each_refusal_says_whether_to_try_again(
    chat: SlackChat,
    slack: tuple[FakeSlack, str],
    refusal: Refusal,
    error: type[ProviderError],
) -> None:
    slack[0].refusals.append(refusal)

    with pytest.raises(ProviderError) as raised:
        await chat.tell(ANA, HELLO)

    assert type(raised.value) is error


async def test_too_many_messages_wait_as_long_as_slack_asks(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    slack[0].refusals.append(Refusal(status=429, error="ratelimited", retry_after=30))

    with pytest.raises(ProviderBusy) as raised:
        await chat.tell(ANA, HELLO)

    assert raised.value.retry_after == 30.0


class Scripted:
    """An Http that answers, or breaks, as told."""

    def __init__(self, answer: HttpResponse | Exception) -> None:
        self.answer = answer
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        self.sent.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_message_that_was_not_sent_may_be_sent_again() -> None:
    with pytest.raises(ProviderTransient):
        await chat_over(Scripted(HttpNotSent("no connection"))).tell(ANA, HELLO)


async def test_a_lost_answer_leaves_a_post_unclear_but_an_update_repeatable() -> None:
    chat = chat_over(Scripted(HttpOutcomeUnknown("timed out")))

    with pytest.raises(ProviderAmbiguous):
        await chat.tell(ANA, HELLO)
    with pytest.raises(ProviderTransient):
        await chat.update(Posted(tenant="T0FAKE001", channel="C1", stamp="1.0"), HELLO)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"channel":"C1"}'])
async def test_an_answer_that_is_not_slacks_is_unclear(body: bytes) -> None:
    with pytest.raises(ProviderAmbiguous):
        await chat_over(Scripted(HttpResponse(status=200, body=body))).tell(ANA, HELLO)


async def test_a_wrong_token_is_denied(slack: tuple[FakeSlack, str]) -> None:
    async with AiohttpHttp() as http:
        wrong = SlackChat(
            tenant="T1", token=SecretStr("xoxb-other"), http=http, api=unsafe_local_api(slack[1])
        )

        with pytest.raises(ProviderDenied, match="invalid_auth"):
            await wrong.tell(ANA, HELLO)


async def test_the_token_and_the_link_are_in_no_error_log_or_repr(
    chat: SlackChat, slack: tuple[FakeSlack, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = Message(text="yours", link=Secret(LINK), link_label="Show it")
    slack[0].refusals.append(Refusal(error="is_archived"))

    with pytest.raises(ProviderRefused) as raised:
        await chat.tell(ANA, message)

    seen = f"{raised.value}{raised.value!r}{chat!r}{message!r}{caplog.text}"
    assert TOKEN not in seen
    assert LINK not in seen


@pytest.mark.parametrize(
    "url", ["http://slack.example.com/api", "https://slack.com.evil.example/api", "http://10.0.0.1"]
)
def test_another_api_address_must_be_on_this_machine(url: str) -> None:
    with pytest.raises(Misconfigured):
        unsafe_local_api(url)


def test_without_an_override_messages_go_to_slack_over_https() -> None:
    chat = SlackChat(tenant="T1", token=SecretStr(TOKEN), http=Scripted(HttpNotSent("unused")))

    assert chat.api == SLACK_API == "https://slack.com/api"


def test_people_and_channels_are_found_by_their_workspace() -> None:
    http = Scripted(HttpNotSent("unused"))
    one, two = (SlackChat(tenant=t, token=SecretStr(TOKEN), http=http) for t in ("T1", "T2"))
    both = SlackChats((one, two))

    assert both.of(ANA.evolve(tenant="T2")) is two
    assert both.of(ANA.evolve(tenant="T3")) is None
    assert both.of(ANA.evolve(tenant="T1", platform="webhook")) is None
    assert both.at("slack:T1/#ops") == (one, "#ops")
    assert both.at("slack:#ops") is None
    assert SlackChats((one,)).at("slack:#ops") == (one, "#ops")
    assert SlackChats((one,)).at("teams:#ops") is None


async def test_the_stand_in_takes_slacks_own_client(slack: tuple[FakeSlack, str]) -> None:
    client = AsyncWebClient(token=TOKEN, base_url=f"{slack[1]}/")

    answer = await client.chat_postMessage(channel="C1", text="hello")
    await client.chat_update(channel="C1", ts=answer["ts"], text="changed")

    assert [message.text for message in slack[0].messages] == ["changed"]


async def test_the_stand_in_shows_what_stands_where(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    await chat.post("#ops", HELLO)
    async with AiohttpHttp() as http:
        url = slack[1].removesuffix("/api") + "/_messages"
        response = await http.send(HttpRequest(method="GET", url=url))

    assert b'"channel": "#ops"' in response.body


async def test_the_stand_in_serves_this_machine_only() -> None:
    with pytest.raises(ValueError, match="is not this machine"):
        async with slack_stand_in(token=TOKEN, host="0.0.0.0"):  # noqa: S104  # that is refused
            pytest.fail("it serves")


@pytest.mark.parametrize(
    ("method", "content", "error"),
    [
        ("chat.postMessage", {"channel": "C2", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C1"}, "no_text"),
        ("chat.postMessage", {"channel": "C1", "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": "C1", "blocks": [{"type": "x"}]}, "invalid_blocks"),
        (
            "chat.postMessage",
            {
                "channel": "C1",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
            },
            "invalid_blocks",
        ),
        ("chat.update", {"channel": "C1", "ts": "9", "text": "x"}, "message_not_found"),
        ("chat.delete", {"channel": "C1"}, "unknown_method"),
    ],
)
async def test_the_stand_in_refuses_what_slack_refuses(
    method: str, content: dict[str, object], error: str
) -> None:
    async with slack_stand_in(token=TOKEN) as (workspace, url), AiohttpHttp() as http:
        workspace.channels = frozenset({"C1"})
        response = await http.send(
            HttpRequest(
                method="POST",
                url=f"{url}/{method}",
                headers={"authorization": f"Bearer {TOKEN}", "content-type": "application/json"},
                body=json.dumps(content).encode(),
            )
        )

    assert json.loads(response.body) == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        ({}, b"{}", "not_authed"),
        ({"authorization": "Bearer x"}, b"{}", "invalid_auth"),
        ({"authorization": f"Bearer {TOKEN}"}, b"{", "invalid_json"),
    ],
)
async def test_the_stand_in_checks_the_token_and_the_body(
    headers: dict[str, str], body: bytes, error: str
) -> None:
    async with slack_stand_in(token=TOKEN) as (_, url), AiohttpHttp() as http:
        post = HttpRequest(method="POST", url=f"{url}/chat.postMessage", headers=headers, body=body)
        response = await http.send(post)
        other = await http.send(HttpRequest(method="GET", url=f"{url}/chat.postMessage"))

    assert json.loads(response.body)["error"] == error
    assert other.status == 404


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("missing_scope", "give the app the bot scope chat:write"),
        ("not_in_channel", "invite the app's bot to that channel"),
        ("channel_not_found", "correct the channel or person where it is written"),
        ("invalid_auth", "the bot token is wrong"),
        ("account_inactive", "the app's bot was removed"),
        ("token_revoked", "the bot token was taken back"),
    ],
)
async def test_a_refusal_that_only_a_person_ends_is_logged_with_the_next_step(
    chat: SlackChat, slack: tuple[FakeSlack, str], code: str, step: str
) -> None:
    slack[0].refusals.append(Refusal(error=code))

    with capture_logs() as lines, pytest.raises(ProviderError):
        await chat.post("#approvals", HELLO)

    (line,) = lines
    assert (line["event"], line["log_level"]) == ("slack.refused", "error")
    assert (line["code"], line["channel"]) == (code, "#approvals")
    assert line["next_step"].startswith(step)


async def test_a_refusal_that_passes_is_not_logged_here(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    slack[0].refusals.append(Refusal(status=429, error="ratelimited"))

    with capture_logs() as lines, pytest.raises(ProviderBusy):
        await chat.tell(ANA, HELLO)

    assert lines == []


async def test_the_bot_says_whose_it_is_and_what_it_may_do(
    chat: SlackChat, slack: tuple[FakeSlack, str]
) -> None:
    slack[0].team_id = "T0FAKE001"

    bot = await chat.bot()

    assert bot == Bot(
        tenants=frozenset({"T0FAKE001"}), scopes=frozenset({"chat:write", "commands"})
    )
