"""The words of `/access`: what is understood, what is not, and that every ask can be written."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.adapters.slack.command import format_ask, parse
from keylease.domain.access import ACTIONS_OF, Permission, ResourceType
from keylease.domain.intake import (
    Ask,
    AskClaim,
    AskHelp,
    AskStatus,
    GiveReview,
    Release,
)
from keylease.domain.request import Verdict
from keylease.errors import BadInput
from tests.support.build import permission

HOUR = timedelta(hours=1)


def ask(**fields: Any) -> Ask:
    defaults = {"entitlement": "orders-read", "duration": 8 * HOUR, "reason": "INC-4711 replay"}
    return Ask(**{**defaults, **fields})


def ask_target(*permissions: Permission, **fields: Any) -> Ask:
    return ask(**{"entitlement": None, "target": "rmq-prod", "permissions": permissions} | fields)


SUB, PUB, BOTH = (permission("topic:orders", actions) for actions in ("Sub", "Pub", "Pub,Sub"))
GROUP = permission("group:GID_orders", "Sub")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("request orders-read for 8h because INC-4711 replay", ask()),
        ("REQUEST orders-read FOR 8h BECAUSE INC-4711 replay", ask()),
        ("request orders-read because “INC-4711 replay” for 8h", ask()),
        ('request orders-read for 8 hours because "INC-4711 replay"', ask()),
        ("request orders-read for 2h30m because x", ask(duration=2.5 * HOUR, reason="x")),
        ("request orders-read for 90 minutes because x", ask(duration=1.5 * HOUR, reason="x")),
        ("request rmq-prod topic:orders Sub for 8h because INC-4711 replay", ask_target(SUB)),
        ("request rmq-prod topic orders sub for 8h because INC-4711 replay", ask_target(SUB)),
        ("request rmq-prod topic=orders Pub|Sub for 8h because INC-4711 replay", ask_target(BOTH)),
        ("request rmq-prod topic:orders Pub, Sub for 8h because INC-4711 replay", ask_target(BOTH)),
        (
            "request rmq-prod topic:orders Pub,Sub + group:GID_orders Sub for 8h because lag",
            ask_target(BOTH, GROUP, reason="lag"),
        ),
        (
            "request rmq-prod topic:orders and group:GID_orders Sub for 8h because INC-4711 replay",
            ask_target(SUB, GROUP),
        ),
        (
            "request rmq-prod topic:orders Pub + group:GID_orders for 8h because INC-4711 replay",
            ask_target(PUB, GROUP),
        ),
        (
            "request rmq-prod cache read,write for 8h because INC-4711 replay",
            ask_target(permission("cache", "read,write")),
        ),
        (
            "request r topic:a Sub ticket INC-1 from 10.0.0.0/8, 10.1.0.0/16 as b for 8h because x",
            ask_target(
                permission("topic:a", "Sub", "10.0.0.0/8", "10.1.0.0/16"),
                target="r",
                ticket="INC-1",
                account="b",
                reason="x",
            ),
        ),
        (
            "request rmq-prod topic：orders Pub，Sub ＋ group：GID_orders　for：8h　because：回放",  # noqa: RUF001  # full-width on purpose
            ask_target(BOTH, GROUP, reason="回放"),
        ),
        (
            "request orders-read for 8h because INC-4711 replay ticket INC-4711",
            ask(reason="INC-4711 replay ticket INC-4711", ticket="INC-4711"),
        ),
        (
            'request orders-read for 8h because "lag" is back for 2h',
            ask(reason='"lag" is back for 2h'),
        ),
        ("approve req-a2b3", GiveReview(request_id="req-a2b3", verdict=Verdict.APPROVE)),
        ("approve REQ-A2B3", GiveReview(request_id="req-a2b3", verdict=Verdict.APPROVE)),
        (
            "deny req-a2b3 because not on Friday",
            GiveReview(request_id="req-a2b3", verdict=Verdict.DENY, reason="not on Friday"),
        ),
        ("release req-a2b3", Release(request_id="req-a2b3")),
        ("claim req-a2b3", AskClaim(request_id="req-a2b3")),
        ("claim rmq-prod/svc-Orders", AskClaim(request_id="rmq-prod/svc-Orders")),
        ("status req-a2b3", AskStatus(request_id="req-a2b3")),
        ("status", AskStatus()),
        ("help", AskHelp()),
        ("  ", AskHelp()),
    ],
)
def test_what_is_said_is_understood(text: str, meant: object) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "problem", "form"),
    [
        ("requst x for 1h because y", "did you mean 'request'?", "request x for 1h because y"),
        ("frobnicate", "'frobnicate' is no command", "request rmq-prod topic:orders"),
        ("request", "say what you ask for", "request rmq-prod topic:orders"),
        ("request x for 8h", "say why", "request x for 8h because INC-4711 replay"),
        ("request x because y", "for how long", "request x for 8h because y"),
        ("request x for 9z because y", "'9z' is no duration", "request x for 8h because y"),
        ("request x for 8h for 9h because y", "'for' is said twice", "request"),
        ("request x for 8h as a b because y", "one word after 'as'", "request"),
        ("request x from 10.0.0.0/8 for 8h because y", "'from' narrows", "request"),
        ("request r topic:a for 8h because y", "what to do with topic a",
         "request r topic:a Pub for 8h because y"),
        ("request r topic:a Rub for 8h because y", "'Rub' is no action",
         "request r topic:a Sub for 8h because y"),
        ("request r queue:a Sub for 8h because y", "'queue' is no kind", "request"),
        ("request r topic + topic:a Sub for 8h because y", "name the topic", "request"),
        ("approve", "name the request", "approve req-"),
        ("release r_1", "'r_1' is no request id", "release req-"),
        ("deny req-1 never", "'never' is not understood", "deny req-1 because never"),
        ("x" * 5000, "longer than 4000 characters", "request"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named_beside_a_correct_form(
    text: str, problem: str, form: str
) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)

    said, _, shown = str(refused.value).partition("\nSay: /access ")
    assert problem in said
    assert shown.startswith(form)
    assert parse(shown)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True)
REASONS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=80
).map(str.strip).filter(bool)  # fmt: skip
CIDRS = st.frozensets(st.sampled_from(["10.0.0.0/8", "192.168.1.1/32", "2001:db8::/32"]))


@st.composite
def permissions(draw: st.DrawFn, cidrs: frozenset[str]) -> Permission:
    kind = draw(st.sampled_from(ResourceType))
    actions = draw(st.frozensets(st.sampled_from(sorted(ACTIONS_OF[kind])), min_size=1))
    name = "*" if kind is ResourceType.CACHE else draw(NAMES)
    return Permission(resource=kind, name=name, actions=actions, whitelist=cidrs)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    is_target = draw(st.booleans())
    given_ = draw(st.lists(permissions(draw(CIDRS)), min_size=1, max_size=4)) if is_target else []
    clauses = {"because"}
    return Ask(
        entitlement=None if is_target else draw(NAMES),
        target=draw(NAMES) if is_target else None,
        permissions=tuple(given_),
        account=draw(st.none() | NAMES.filter(lambda name: name.lower() not in clauses)),
        duration=timedelta(seconds=draw(st.integers(1, 10_000_000))),
        reason=draw(REASONS),
        ticket=draw(st.none() | NAMES.filter(lambda name: name.lower() not in clauses)),
    )


@given(asks())
def test_every_ask_can_be_written_and_read_back(meant: Ask) -> None:
    assert parse(format_ask(meant)) == meant


@given(st.text(max_size=200) | st.text(max_size=100).map(lambda text: f"request {text}"))
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    with suppress(BadInput):
        assert parse(text)
