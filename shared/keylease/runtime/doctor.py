"""Doctor: asks a running system whether it keeps its promises, and what a person should do.

No access is changed. Clock, credentials and targets are asked at the cloud, tokens at Slack; the
invariants I1 to I3 (no access without a live lease, no live lease without its access, nothing
outlives its end) are checked by reading every account back and comparing it with what converge
would make of it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.slack.bot import unheard
from keylease.domain.access import Product, Target
from keylease.errors import KeyleaseError, Misconfigured, ProviderTransient
from keylease.ports.accounts import Accounts
from keylease.ports.clock import Clock
from keylease.ports.directory import Catalog
from keylease.ports.http import Http, HttpNotSent, HttpOutcomeUnknown, HttpRequest
from keylease.ports.store import Described, Store
from keylease.runtime.bus import open_bus
from keylease.runtime.check import check_settings, counted
from keylease.runtime.doctor_accounts import compared, orphans, seals, unopenable
from keylease.runtime.doctor_leases import late_leases, parked, stuck_leases
from keylease.runtime.filling import Parts
from keylease.runtime.outward import slack_chat
from keylease.runtime.sections import Sealing, SlackTenant
from keylease.runtime.settings import Settings

MOST_SKEW = timedelta(minutes=5)
"""The cloud refuses a signature that is 15 minutes off."""
HOSTS = {Product.ROCKETMQ: "rocketmq", Product.REDIS: "r-kvstore"}


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    message: str


async def examine(settings: Settings, /, *, parts: Parts) -> AsyncIterator[Finding]:
    """Every finding, as it is made."""
    checked = check_settings(settings)
    for message in checked.errors:
        yield Finding("config", Level.PROBLEM, message)
    for message in checked.warnings:
        yield Finding("config", Level.WARNING, message)
    if not checked.errors:
        yield Finding("config", Level.OK, checked.summary)
    async for finding in _ours(parts):
        yield finding
    async for finding in _counterparts(settings, parts):
        yield finding
    targets = (await parts.get(Catalog)).targets()
    for target in targets:
        async for finding in _of_target(settings, target, parts):
            yield finding
    if settings.sealing:
        sealed = sum([await seals(target, parts) for target in targets], Counter[str]())
        yield Finding("sealing keys", Level.OK, _needed(settings.sealing, sealed))


async def _ours(parts: Parts) -> AsyncIterator[Finding]:
    """What the store alone knows."""
    store, now = await parts.get(Store), (await parts.get(Clock)).now()
    if isinstance(store, Described):
        yield Finding("store answers", Level.OK, await store.describe())
        dangers = "; ".join(await store.dangers())
        yield Finding("store is safe", Level.WARNING if dangers else Level.OK, dangers)
    yield _found("leases on time (I3)", await late_leases(store, now=now))
    yield _found("no stuck lease", await stuck_leases(store, now=now))
    yield _found("no parked event", await parked(store))


async def _counterparts(settings: Settings, parts: Parts) -> AsyncIterator[Finding]:
    """The bus, and Slack for each workspace."""
    if settings.nats is not None:
        yield await _bus(settings)
    for name, tenant in settings.slack.items():
        if tenant.bot_token is not None:
            yield await _slack(name, tenant, http=await parts.get(Http))


async def _bus(settings: Settings) -> Finding:
    check = "bus"
    try:
        async with open_bus(settings) as bus:
            dead = (await bus.transport.measured())["dead_letters"]
    except (Misconfigured, ProviderTransient) as e:
        return Finding(check, Level.PROBLEM, str(e))
    if dead:
        count = counted(dead, "dead letter")
        return Finding(check, Level.PROBLEM, f"{bus.described}; {count}: see `keylease dlq list`")
    return Finding(check, Level.OK, f"{bus.described}; no dead letters")


async def _slack(name: str, tenant: SlackTenant, *, http: Http) -> Finding:
    check = f"slack.{name}: bot"
    try:
        chat = slack_chat(tenant, http=http)
        return _found(check, await unheard(chat) if chat else ())
    except Misconfigured as e:
        return Finding(check, Level.PROBLEM, str(e))
    except ProviderTransient as e:
        return Finding(check, Level.WARNING, f"{e}; Slack was not reached, so nothing is known")


async def _of_target(settings: Settings, target: Target, parts: Parts) -> AsyncIterator[Finding]:
    """What only the cloud knows; when it does not answer, that is the finding."""
    name = target.id
    yield await _skew(settings, target, parts)
    try:
        health = await (await parts.get(Accounts)).health(target)
        yield _found(f"{name}: healthy", health.problems)
        yield _found(f"{name}: no account without a record (I1)", await orphans(target, parts))
        yield _found(f"{name}: accounts hold their leases (I1, I2)", await compared(target, parts))
    except KeyleaseError as e:
        yield Finding(f"{name}: reachable", Level.PROBLEM, f"{e}; {_next_step(settings, e)}")
    yield _found(f"{name}: sealed secrets open", await unopenable(target, parts))


def _next_step(settings: Settings, e: KeyleaseError) -> str:
    """The chain ends at the metadata service: its refusal means that no other source is set."""
    if settings.alibaba.credentials.kind == "default" and "EcsMetadata" in str(e):
        return (
            "no other source of a key is set; set ALIBABA_CLOUD_ACCESS_KEY_ID and "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or alibaba.credentials"
        )
    return "check credentials and endpoint"


def _needed(section: Sealing, sealed: Mapping[str, int]) -> str:
    """What each key is for: who changes keys wants to know when the old one may go."""
    words = []
    for id_ in section.keys:
        count = sealed.get(id_, 0)
        if id_ == section.current:
            words.append(f"{id_} seals what is new, and {count} so far")
        elif count:
            words.append(f"{id_} still opens {count}: keep it")
        else:
            words.append(f"{id_} opens nothing any more: take it out")
    return "; ".join(words)


def _found(check: str, problems: Iterable[str]) -> Finding:
    message = "; ".join(problems)
    return Finding(check, Level.PROBLEM if message else Level.OK, message)


async def _skew(settings: Settings, target: Target, parts: Parts) -> Finding:
    """Our clock against the cloud's, by the Date of any answer."""
    check = f"{target.id}: clock"
    section = settings.alibaba
    endpoints = Endpoints(network=section.network, given=dict(section.endpoints))
    base = endpoints.base(HOSTS[target.product], region=target.region)
    http, clock = await parts.get(Http), await parts.get(Clock)
    try:
        response = await http.send(HttpRequest("GET", f"{base}/"))
        theirs = parsedate_to_datetime(response.headers.get("date", ""))
    except (HttpNotSent, HttpOutcomeUnknown) as e:
        return Finding(check, Level.PROBLEM, f"{e}; check network and endpoint")
    except (TypeError, ValueError):
        return Finding(check, Level.WARNING, "the cloud's answer has no date; cannot compare")
    skew = abs(theirs - clock.now())
    if skew > MOST_SKEW:
        message = f"{skew.total_seconds():.0f} s off the cloud's; start a time service (NTP)"
        return Finding(check, Level.PROBLEM, message)
    return Finding(check, Level.OK, f"{skew.total_seconds():.0f} s off the cloud's")
