"""policy: check rules, explain decisions and compile them, offline."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from keylease.adapters.files.check import check_policy, load_world
from keylease.adapters.files.compiled import compiled
from keylease.adapters.files.policy import load_policy
from keylease.adapters.system.clock import SystemClock
from keylease.cli.ask import permissions_of
from keylease.cli.exits import Code, fail
from keylease.cli.options import Json, length, print_json
from keylease.domain.access import Permission
from keylease.domain.decision import Effect
from keylease.domain.duration import parse_duration
from keylease.domain.request import Asked
from keylease.errors import BadInput, Misconfigured
from keylease.policy.explain import Offer, could_get, explain
from keylease.policy.problem import Level
from keylease.policy.world import World
from keylease.runtime.check import counted

policy = typer.Typer(
    no_args_is_help=True, help="Check rules and explain decisions, offline.", rich_markup_mode=None
)
Where = Annotated[
    Path, typer.Argument(metavar="PATH", help="A file of rules, or a folder of them.")
]
Catalog = Annotated[
    Path | None, typer.Option(metavar="FILE", help="catalog.yaml beside the policy otherwise.")
]
Directory = Annotated[
    Path | None, typer.Option(metavar="FILE", help="directory.yaml beside the policy otherwise.")
]


def register(app: typer.Typer, /) -> None:
    """Add the group."""
    app.add_typer(policy, name="policy")


@policy.command("check")
def check(
    path: Where = Path("policy.yaml"),
    *,
    catalog: Catalog = None,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Read rules, warn of what is never reached or names nothing, run every case beside them."""
    checked = check_policy(path, catalog=catalog, directory=directory)
    if json:
        document = {
            "ok": checked.is_sound,
            "rules": checked.rules,
            "cases": checked.cases,
            "problems": [
                {
                    "level": one.level.value,
                    "file": one.file,
                    "line": one.line,
                    "where": one.where,
                    "field": one.field,
                    "message": one.message,
                }
                for one in checked.problems
            ],
        }
        print_json(document)
    else:
        for one in checked.problems:
            typer.echo(str(one), err=one.level is Level.ERROR)
        verdict = "fine" if checked.is_sound else "not in order"
        rules, cases = counted(checked.rules, "rule"), counted(checked.cases, "case")
        typer.echo(f"{rules}, {cases}: {verdict}")
    if not checked.is_sound:
        raise typer.Exit(Code.REFUSED)


@policy.command("explain")
def explain_(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="A person's id in the directory.")],
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="An entitlement or target; else all one could get."),
    ] = None,
    *,
    path: Annotated[Path, typer.Option("--policy", metavar="PATH", help="The rules.")] = Path(
        "policy.yaml"
    ),
    catalog: Catalog = None,
    directory: Directory = None,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long.")] = "1h",
    topic: Annotated[list[str] | None, typer.Option(metavar="NAME=ACTIONS")] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="NAME")] = None,
    cache: Annotated[str | None, typer.Option(metavar="ACTIONS")] = None,
    address: Annotated[list[str] | None, typer.Option("--from", metavar="CIDR")] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    ticket: Annotated[str | None, typer.Option(metavar="ID")] = None,
    at: Annotated[
        datetime | None, typer.Option(help="As if it were then (UTC); now otherwise.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what the policy answers to a request, and why; exits with 1 when it is a deny."""
    rules = load_policy(path)
    world = _world(path, catalog=catalog, directory=directory)
    now = at.replace(tzinfo=at.tzinfo or UTC) if at else SystemClock().now()
    if what is None:
        principal = world.principals.get(who)
        if principal is None:
            fail(f"the directory has no {who!r}", code=Code.NOT_FOUND)
        offers = could_get(rules, principal=principal, world=world, now=now)
        if json:
            print_json([_described(offer) for offer in offers])
            return
        for offer in offers:
            typer.echo(str(offer))
        return
    given = permissions_of(topic or [], group or [], cache, addresses=address or [])
    asked = _asked(who, what, given, world=world)
    asked = asked.evolve(duration=length(duration), ticket=ticket)
    asked = asked.evolve(account=account) if account else asked
    decision = rules.decide(asked, facts=world.facts(asked, policy=rules), now=now)
    if json:
        print_json(decision.model_dump(mode="json"))
    else:
        typer.echo(explain(decision))
    if decision.effect is Effect.DENY:
        raise typer.Exit(Code.REFUSED)


@policy.command("compile")
def compile_(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the JSON goes.")],
    *,
    path: Annotated[Path, typer.Option("--policy", metavar="PATH", help="The rules.")] = Path(
        "policy.yaml"
    ),
    catalog: Catalog = None,
    directory: Directory = None,
) -> None:
    """Check all and write it as JSON, from which functions start faster."""
    beside = _folder(path)
    texts = compiled(
        path,
        catalog=catalog or beside / "catalog.yaml",
        directory=directory or beside / "directory.yaml",
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
        typer.echo(str(out / name))


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _world(path: Path, *, catalog: Path | None, directory: Path | None) -> World:
    folder = _folder(path)
    world, problems = load_world(
        catalog=catalog or folder / "catalog.yaml", directory=directory or folder / "directory.yaml"
    )
    errors = [str(one) for one in problems if one.level is Level.ERROR]
    if world is None or errors:
        raise Misconfigured("\n".join(errors))
    return world


def _asked(who: str, what: str, given: tuple[Permission, ...], *, world: World) -> Asked:
    """The words of the request, before its time and ticket."""
    hour = parse_duration("1h")
    if given:
        return Asked(requester=who, target=what, permissions=given, duration=hour, reason="explain")
    bundle = world.entitlements.get(what)
    if bundle is None:
        known = ", ".join(sorted(world.entitlements)) or "none"
        msg = f"no entitlement is called {what!r}; there is {known}; for a target add --topic"
        raise BadInput(msg, field="WHAT")
    return Asked(
        requester=who,
        target=bundle.target,
        permissions=bundle.permissions,
        account=bundle.account,
        duration=hour,
        reason="explain",
        entitlement=bundle.id,
    )


def _described(offer: Offer) -> dict[str, object]:
    return {
        "entitlement": offer.entitlement.id,
        "rule": offer.rule.model_dump(mode="json"),
        "terms": offer.obligations.model_dump(mode="json"),
        "addresses": list(offer.addresses),
        "is_open_now": offer.is_open_now,
    }
