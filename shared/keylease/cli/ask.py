"""What people say to keylease, said at its own machine: ask, review, release, look."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated

import typer

from keylease.cli.acting import act, say, sender
from keylease.cli.exits import Code, fail
from keylease.cli.options import As, Config, Json, Key, length, print_json
from keylease.cli.prospects import FINE, Prospect, prospect_of
from keylease.domain.access import ACTIONS_OF, Action, Permission, ResourceType
from keylease.domain.intake import Ask, AskClaim, AskStatus, GiveReview, Release, Reply, Said
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.errors import BadInput
from keylease.ports.directory import Directory
from keylease.runtime.wiring import Keylease

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="Such as req-7k2m4q9x1c.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why.")]
POLL = 0.3
_WORDS = {action.lower(): action for action in Action}


def register(app: typer.Typer, /) -> None:
    """Add the commands."""
    app.command("request")(request)
    app.command("approve")(approve)
    app.command("deny")(deny)
    app.command("release")(release)
    app.command("claim")(claim)
    app.command("status")(status)


def request(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="An entitlement, or a target.")],
    who: As,
    *,
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long, such as 8h or 90m.")
    ],
    because: Because,
    topic: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ACTIONS", help="A topic of the target: orders=Pub,Sub."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A consumer group of the target: GID_orders."),
    ] = None,
    cache: Annotated[
        str | None, typer.Option(metavar="ACTIONS", help="The cache: read, or read,write.")
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="CIDR", help="Where clients connect from: 10.0.0.0/8."),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="A standing account that receives it.")
    ] = None,
    ticket: Annotated[str | None, typer.Option(metavar="ID", help="Such as INC-4711.")] = None,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="Wait that long for an answer.")
    ] = 0,
    key: Key = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Ask for access. `keylease serve` decides it; with --wait its answer is shown."""
    permissions = permissions_of(topic or [], group or [], cache, addresses=address or [])
    ask = Ask(
        entitlement=None if permissions else what,
        target=what if permissions else None,
        permissions=permissions,
        account=account,
        duration=length(duration),
        reason=because,
        ticket=ticket,
    )

    async def work(keylease: Keylease) -> tuple[Reply, Request | None]:
        reply = await say(keylease, ask, who=who, key=key)
        if not reply.refused and not json:
            typer.echo(reply.text)  # before the wait: who stops it needs the id
        return reply, await _answer(keylease, reply.request_id, within=timedelta(seconds=wait))

    reply, found = act(config, work)
    if reply.refused or json:
        _show(reply, found, json=json, code=Code.REFUSED if reply.refused else Code.OK)
    if found is not None and wait:
        _end_wait(found, json=json)


def approve(
    request_id: RequestId,
    who: As,
    *,
    because: Because = "",
    key: Key = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Approve a request, as one of the people that its rule names."""
    said = GiveReview(request_id=request_id, verdict=Verdict.APPROVE, reason=because)
    _tell(said, request_id, who=who, key=key, config=config, json=json)


def deny(
    request_id: RequestId,
    who: As,
    *,
    because: Because = "",
    key: Key = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Deny a request, as one of the people that its rule names."""
    said = GiveReview(request_id=request_id, verdict=Verdict.DENY, reason=because)
    _tell(said, request_id, who=who, key=key, config=config, json=json)


def release(
    request_id: RequestId, who: As, *, key: Key = None, config: Config = None, json: Json = False
) -> None:
    """Give access back early, or take an open request back."""
    _tell(Release(request_id=request_id), request_id, who=who, key=key, config=config, json=json)


def claim(
    request_id: RequestId, who: As, *, key: Key = None, config: Config = None, json: Json = False
) -> None:
    """Have a new link to the credential sent to its holder's chat."""
    said = AskClaim(request_id=request_id)
    _tell(said, request_id, who=who, key=key, config=config, json=json)


def status(
    who: As,
    request_id: Annotated[
        str | None, typer.Argument(metavar="REQUEST", help="One request; all of yours else.")
    ] = None,
    *,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show how far a request is, or all of your own."""
    _tell(AskStatus(request_id=request_id), request_id, who=who, config=config, json=json)


def _tell(
    said: Said,
    request_id: str | None,
    *,
    who: str,
    key: str | None = None,
    config: Config,
    json: bool,
) -> None:
    async def work(keylease: Keylease) -> tuple[Reply, Request | None, Prospect]:
        known = await keylease.store.load(Request, request_id) if request_id else None
        reply = await say(keylease, said, who=who, key=key)
        if reply.refused:
            is_missing = request_id is not None and known is None
            return reply, None, Prospect(code=Code.NOT_FOUND if is_missing else Code.REFUSED)
        if known is None:
            return reply, None, FINE
        speaker = await (await keylease.parts.get(Directory)).resolve(sender(keylease, who))
        return reply, known, await prospect_of(said, known, speaker=speaker, keylease=keylease)

    reply, found, prospect = act(config, work)
    text = f"{request_id}: {prospect.text}" if prospect.text else reply.text
    _show(reply.model_copy(update={"text": text}), found, json=json, code=prospect.code)


def _show(reply: Reply, found: Request | None, *, json: bool, code: Code = Code.OK) -> None:
    if json:
        refused = code is not Code.OK
        document = {**reply.model_dump(), "refused": refused}
        print_json({**document, "request": found and found.model_dump(mode="json")})
        if refused:
            raise typer.Exit(code)
    elif code is not Code.OK:
        fail(reply.text, code=code)
    else:
        typer.echo(reply.text)


def _end_wait(found: Request, *, json: bool) -> None:
    """What `request --wait` waited for."""
    reasons = found.settled_because or (found.decision.reasons if found.decision else ())
    if found.status is RequestStatus.SUBMITTED:
        reasons = ("no answer yet; is `keylease serve` running?",)
    if not json:
        typer.echo(f"{found.status.replace('_', ' ')}: {'; '.join(reasons)}")
    if found.status is not RequestStatus.APPROVED:
        raise typer.Exit(Code.REFUSED)


async def _answer(
    keylease: Keylease, request_id: str | None, *, within: timedelta
) -> Request | None:
    """The request, once it is settled or waits for people, or as it is when the time is over."""
    if request_id is None:
        return None
    loop = asyncio.get_running_loop()
    until = loop.time() + within.total_seconds()
    while True:
        found = await keylease.store.load(Request, request_id)
        if found is None or found.status is not RequestStatus.SUBMITTED or loop.time() >= until:
            return found
        await asyncio.sleep(POLL)


def permissions_of(
    topics: list[str], groups: list[str], cache: str | None, *, addresses: list[str]
) -> tuple[Permission, ...]:
    whitelist = frozenset(addresses)
    named = [(ResourceType.TOPIC, one) for one in topics]
    named += [(ResourceType.GROUP, one if "=" in one else f"{one}=Sub") for one in groups]
    named += [(ResourceType.CACHE, f"*={cache}")] if cache is not None else []
    return tuple(
        Permission(
            resource=resource,
            name=text.partition("=")[0],
            actions=_actions(text.partition("=")[2], resource=resource),
            whitelist=whitelist if resource is not ResourceType.CACHE else frozenset(),
        )
        for resource, text in named
    )


def _actions(text: str, *, resource: ResourceType) -> frozenset[Action]:
    given = [word for word in re.split(r"[,|]", text.lower()) if word]
    options = ", ".join(sorted(ACTIONS_OF[resource]))
    if not given or not set(given) <= _WORDS.keys():
        msg = f"{text!r} is no action; use {options}, as in name={options.replace(' ', '')}"
        raise BadInput(msg, field=f"--{resource}")
    return frozenset(_WORDS[word] for word in given)
