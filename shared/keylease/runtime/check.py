"""Checks all that a start would need, offline: secrets, keys, doors, policy, catalog, directory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from keylease.adapters.files.check import check_policy, load_world
from keylease.domain.schedule import Schedule
from keylease.errors import Misconfigured
from keylease.policy.problem import Level
from keylease.runtime.entrances import entrances
from keylease.runtime.keys import sealing
from keylease.runtime.references import Sourced
from keylease.runtime.sections import EventBridgeSink
from keylease.runtime.settings import Settings

ADDRESSES = (
    "write slack:#channel for the only workspace, slack:<team id>/#channel for one of several"
)


@dataclass(frozen=True, slots=True)
class CheckedSettings:
    """What was found."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    summary: str


def check_settings(settings: Settings, /) -> CheckedSettings:
    """Everything that can be known without opening or sending anything."""
    missing = tuple(f"{place}: {one.problem}" for place, one in _secrets(settings) if one.problem)
    policy = check_policy(settings.policy, catalog=settings.catalog, directory=settings.directory)
    errors = [*missing, *_starts(settings)] if not missing else [*missing]
    errors += [str(one) for one in policy.problems if one.level is Level.ERROR]
    warnings = [str(one) for one in policy.problems if one.level is not Level.ERROR]
    warnings += [*_unwise(settings)]
    summary = (
        f"{counted(policy.rules, 'rule')}, {counted(policy.cases, 'case')}, "
        f"{counted(len(settings.slack), 'Slack workspace')}, "
        f"{counted(len(settings.webhook), 'webhook sender')}, "
        f"{counted(len(settings.sinks), 'sink')}: "
        f"{counted(len(errors), 'error')}, {counted(len(warnings), 'warning')}"
    )
    return CheckedSettings(tuple(errors), tuple(warnings), summary)


def counted(number: int, noun: str, /) -> str:
    """Such as `1 rule` and `2 rules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _starts(settings: Settings) -> Iterator[str]:
    """What only making the parts would find: malformed keys and secrets."""
    if settings.unreachable:
        yield settings.unreachable
    makers: tuple[Callable[[Settings], object], ...] = (sealing, entrances, _sinks)
    for maker in makers:
        try:
            maker(settings)
        except Misconfigured as e:
            yield str(e)


def _sinks(settings: Settings) -> None:
    """Made and thrown away: a session that is not entered opens nothing."""
    from keylease.adapters.system.clock import SystemClock  # noqa: PLC0415  # with the line below
    from keylease.adapters.system.http import AiohttpHttp  # noqa: PLC0415  # loads a whole client
    from keylease.runtime.outward import sink  # noqa: PLC0415  # loads every sink

    for name, section in settings.sinks.items():
        if isinstance(section, EventBridgeSink):  # nothing of its own can be malformed
            continue
        sink(name, section, settings, http=AiohttpHttp(), clock=SystemClock())


def _unwise(settings: Settings) -> Iterator[str]:
    """What works and is most likely not meant."""
    if not settings.slack and not settings.webhook and not settings.events.producers:
        yield "slack, webhook, events: none is set; nobody can ask for anything over HTTP"
    for name, tenant in settings.slack.items():
        if tenant.bot_token is None:
            yield f"slack.{name}.bot_token: is not set; nobody there hears anything"
        if tenant.unsafe_api_url:
            yield f"slack.{name}.unsafe_api_url: is set; for tests only"
    if not settings.operators:
        yield "operators: is not set; alarms go to the log only"
    for address in settings.operators:
        if not _is_heard(address, settings):
            yield f"operators: {address} reaches no workspace that has a bot_token; {ADDRESSES}"
    world, _ = load_world(catalog=settings.catalog, directory=settings.directory)
    for account in world.standing if world else ():
        if account.rotation and _is_frequent(account.rotation):
            yield f"standing account {account.id}: rotates more than once an hour"


def _is_heard(address: str, settings: Settings) -> bool:
    platform, _, place = address.partition(":")
    talking = [one for one in settings.slack.values() if one.bot_token is not None]
    tenant, slash, _ = place.rpartition("/")
    if platform != "slack":
        return False
    return (
        any((one.team_id or one.enterprise_id) == tenant for one in talking)
        if slash
        else (len(talking) == 1)
    )


def _is_frequent(schedule: Schedule) -> bool:
    """Six fields name seconds; five fields with a star first name every minute."""
    return schedule.cron is not None and schedule.cron.split()[0] in {"*", "*/1"}


def _secrets(settings: Settings) -> Iterator[tuple[str, Sourced]]:
    yield from _sourced(settings, place="")


def _sourced(part: object, *, place: str) -> Iterator[tuple[str, Sourced]]:
    match part:
        case Sourced():
            yield place, part
        case BaseModel():
            for name in type(part).model_fields:
                yield from _sourced(getattr(part, name), place=_below(place, name))
        case Mapping():
            for name, inner in part.items():
                yield from _sourced(inner, place=_below(place, str(name)))
        case tuple():
            for number, inner in enumerate(part):
                yield from _sourced(inner, place=f"{place}[{number}]")


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
