"""Messages out to one Slack workspace, by its Web API and a bot's token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NewType, NoReturn
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, ValidationError

from keylease.adapters.slack.blocks import render
from keylease.adapters.slack.refusals import ERRORS, NEXT_STEPS, UNCHANGEABLE
from keylease.domain.people import ExternalId
from keylease.errors import (
    InvariantBroken,
    Misconfigured,
    ProviderAmbiguous,
    ProviderError,
    ProviderRefused,
    ProviderTransient,
)
from keylease.ports.chat import Chat, Message, Posted
from keylease.ports.http import Http, HttpNotSent, HttpOutcomeUnknown, HttpRequest, HttpResponse

log = structlog.get_logger(__name__)

PLATFORM = "slack"
Api = NewType("Api", str)
SLACK_API = Api("https://slack.com/api")
TIMEOUT = 10.0


def unsafe_local_api(url: str, /) -> Api:
    """A stand-in for Slack on this machine: for tests and the demo only.

    Raises:
        Misconfigured: it is not on this machine, and would get the bot's token.
    """
    host = urlsplit(url).hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    if not is_here:
        msg = f"slack: {host or 'no host'} is neither {SLACK_API} nor on this machine"
        raise Misconfigured(msg)
    return Api(url.rstrip("/"))


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""
    team_id: str = ""
    enterprise_id: str | None = None


@dataclass(frozen=True, slots=True)
class Bot:
    """Whose a token is, and what it may do."""

    tenants: frozenset[str]
    """Its workspace and, in one, its organisation."""
    scopes: frozenset[str]
    """Empty when Slack did not say."""


@dataclass(frozen=True, slots=True)
class SlackChat:
    """Keeps `ports.chat.Chat` for one workspace."""

    tenant: str
    """The team id, as in the external ids of its people."""
    token: SecretStr = field(repr=False)
    http: Http
    api: Api = SLACK_API

    async def tell(self, person: ExternalId, message: Message, /) -> Posted:
        return await self._post(person.subject, message)

    async def post(self, channel: str, message: Message, /) -> Posted:
        if message.link is not None:
            msg = "a link that is a capability goes to one person, never to a channel"
            raise InvariantBroken(msg)
        return await self._post(channel, message)

    async def update(self, posted: Posted, message: Message, /) -> None:
        """Replace it; what is gone, or too old to be changed, needs no replacement."""
        content = {"channel": posted.channel, "ts": posted.stamp, **render(message)}
        try:
            await self._call("chat.update", content, is_repeatable=True)
        except ProviderError as e:
            if e.code not in UNCHANGEABLE:
                raise

    async def _post(self, channel: str, message: Message) -> Posted:
        content: dict[str, JsonValue] = {
            "channel": channel,
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,  # Slack would fetch the link
            "unfurl_media": False,
            **render(message),
        }
        answer = await self._call("chat.postMessage", content, is_repeatable=False)
        return Posted(tenant=self.tenant, channel=answer.channel or channel, stamp=answer.ts)

    async def bot(self) -> Bot:
        """What Slack says of the token; it changes nothing there.

        Raises:
            ProviderError: Slack does not take it, or was not reached.
        """
        response = await self._send("auth.test", {}, unclear=ProviderTransient)
        answer = _understood(response, unclear=ProviderTransient)
        scopes = response.headers.get("x-oauth-scopes", "").split(",")
        return Bot(
            tenants=frozenset(filter(None, (answer.team_id, answer.enterprise_id))),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes))),
        )

    async def _call(
        self, method: str, content: Mapping[str, JsonValue], /, *, is_repeatable: bool
    ) -> _Answer:
        # Doing it twice is harmless where it can be repeated, so there a lost answer is transient.
        unclear = ProviderTransient if is_repeatable else ProviderAmbiguous
        response = await self._send(method, content, unclear=unclear)
        try:
            return _understood(response, unclear=unclear)
        except ProviderError as e:
            if e.code in NEXT_STEPS:  # who is told goes on without: nobody else says the way out
                step = NEXT_STEPS[e.code]
                place = content["channel"]
                log.error("slack.refused", code=e.code, channel=place, next_step=step)  # noqa: TRY400  # its place says nothing
            raise

    async def _send(
        self, method: str, content: Mapping[str, JsonValue], /, *, unclear: type[ProviderError]
    ) -> HttpResponse:
        request = HttpRequest(
            method="POST",
            url=f"{self.api}/{method}",
            headers={
                "authorization": f"Bearer {self.token.get_secret_value()}",
                "content-type": "application/json; charset=utf-8",
            },
            body=json.dumps(content, ensure_ascii=False).encode(),
            timeout=TIMEOUT,
        )
        try:
            return await self.http.send(request)
        except HttpNotSent as e:
            raise ProviderTransient(PLATFORM, "NotSent") from e
        except HttpOutcomeUnknown as e:
            raise unclear(PLATFORM, "OutcomeUnknown") from e


def _understood(response: HttpResponse, *, unclear: type[ProviderError]) -> _Answer:
    request_id = response.headers.get("x-slack-req-id", "")
    if response.status == 429:  # noqa: PLR2004  # too many requests
        _refuse("ratelimited", response, unclear=unclear)
    if response.status != 200:  # noqa: PLR2004  # Slack says everything else under 200
        raise (unclear if response.status >= 500 else ProviderRefused)(  # noqa: PLR2004  # its fault
            PLATFORM, f"http_{response.status}", status=response.status, request_id=request_id
        )
    try:
        answer = _Answer.model_validate_json(response.body)
    except ValidationError:
        raise unclear(PLATFORM, "not_understood", request_id=request_id) from None
    if not answer.ok:
        _refuse(answer.error or "unknown_error", response, unclear=unclear)
    return answer


def _refuse(code: str, response: HttpResponse, *, unclear: type[ProviderError]) -> NoReturn:
    kind = ERRORS.get(code, ProviderRefused)
    kind = unclear if kind is ProviderAmbiguous else kind
    after = response.headers.get("retry-after", "")
    raise kind(
        PLATFORM,
        code[:64],
        status=response.status,
        request_id=response.headers.get("x-slack-req-id", ""),
        retry_after=float(after) if after.isascii() and after.isdigit() else None,
    )


@dataclass(frozen=True, slots=True)
class SlackChats:
    """Keeps `ports.chat.Chats` for all workspaces.

    An address is `slack:#channel` when there is one workspace, else `slack:T0FAKE001/#channel`.
    """

    chats: tuple[SlackChat, ...] = ()

    def of(self, person: ExternalId, /) -> Chat | None:
        return self._in(person.tenant) if person.platform == PLATFORM else None

    def at(self, address: str, /) -> tuple[Chat, str] | None:
        platform, _, place = address.partition(":")
        tenant, slash, channel = place.rpartition("/")
        chat = self._in(tenant) if slash else self._only()
        return (chat, channel) if platform == PLATFORM and chat and channel else None

    def _in(self, tenant: str) -> SlackChat | None:
        return next((chat for chat in self.chats if chat.tenant == tenant), None)

    def _only(self) -> SlackChat | None:
        return self.chats[0] if len(self.chats) == 1 else None
