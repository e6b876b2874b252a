"""From settings to what keylease says to the outside: chats, sinks and the claim page."""

from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from keylease.adapters.sinks.stdout import StdoutSink
from keylease.adapters.sinks.webhook import WebhookSink, https_endpoint, unsafe_local_endpoint
from keylease.adapters.slack.chat import SLACK_API, SlackChat, SlackChats, unsafe_local_api
from keylease.adapters.system.egress import Egress, PublicOnly, UnsafeLoopbackEgress
from keylease.adapters.system.http import AiohttpHttp
from keylease.adapters.web.pages import WebPages
from keylease.ports.chat import Chats
from keylease.ports.clock import Clock
from keylease.ports.handover import ClaimPages
from keylease.ports.http import Http
from keylease.ports.sinks import Sink
from keylease.runtime import sections
from keylease.runtime.filling import Parts
from keylease.runtime.references import placed
from keylease.runtime.settings import Settings

log = structlog.get_logger(__name__)


def chats(settings: Settings, /, *, http: Http) -> Chats:
    """Every workspace that has a bot."""
    for tenant in settings.slack.values():
        if tenant.bot_token and tenant.unsafe_api_url:
            log.warning("slack.unsafe_api", url=tenant.unsafe_api_url)
    made = (slack_chat(tenant, http=http) for tenant in settings.slack.values())
    return SlackChats(tuple(chat for chat in made if chat is not None))


def claim_pages(settings: Settings, /) -> ClaimPages:
    """The pages of the hand-over."""
    return WebPages(time_zone=settings.time_zone)


async def sinks(settings: Settings, /, *, parts: Parts) -> dict[str, Sink]:
    """All sinks by name."""
    return {name: await _opened(name, one, settings, parts) for name, one in settings.sinks.items()}


def sink(
    name: str,
    section: sections.StdoutSink | sections.WebhookSink,
    settings: Settings,
    /,
    *,
    http: Http,
    clock: Clock,
) -> Sink:
    """One sink that needs no more than these.

    Raises:
        Misconfigured: its secret is malformed.
    """
    if isinstance(section, sections.StdoutSink):
        return StdoutSink(source=settings.base_url)
    given = (section.secret, section.previous_secret)
    endpoint = unsafe_local_endpoint if _is_local(section) else https_endpoint
    with placed(f"sinks.{name}"):
        return WebhookSink(
            name=name,
            endpoint=endpoint(section.url),
            secrets=tuple(one.secret() for one in given if one is not None),
            source=settings.base_url,
            http=http,
            clock=clock,
        )


def slack_chat(tenant: sections.SlackTenant, /, *, http: Http) -> SlackChat | None:
    """One workspace, if it has a bot."""
    if tenant.bot_token is None:
        return None
    unsafe = tenant.unsafe_api_url
    return SlackChat(
        tenant=tenant.team_id or tenant.enterprise_id or "",
        token=SecretStr(tenant.bot_token.secret().reveal()),
        http=http,
        api=unsafe_local_api(unsafe) if unsafe else SLACK_API,
    )


async def _opened(name: str, section: sections.Sink, settings: Settings, parts: Parts) -> Sink:
    """Each webhook has a session of its own: what guards its address guards no other."""
    if isinstance(section, sections.EventBridgeSink):
        from keylease.runtime.eventbridge import bus  # noqa: PLC0415  # no other sink loads the cloud

        return await bus(section, settings, parts=parts)
    is_local = isinstance(section, sections.WebhookSink) and _is_local(section)
    egress: Egress = UnsafeLoopbackEgress() if is_local else PublicOnly()
    http = await parts.stack.enter_async_context(AiohttpHttp(egress=egress))
    return sink(name, section, settings, http=http, clock=await parts.get(Clock))


def _is_local(section: sections.WebhookSink) -> bool:
    return urlsplit(section.url).scheme == "http"  # sections let http lead to this machine only
