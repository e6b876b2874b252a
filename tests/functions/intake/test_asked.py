"""From an ask to the words of a request: look-ups, bounds, and what can never be."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.intake.asked import Reading, reason_of
from keylease.domain.access import Permission
from keylease.domain.intake import Ask
from keylease.domain.request import Asked
from keylease.errors import BadInput
from tests.support.build import BOTH_ORDERS, HOUR, READ, READ_WRITE, SUB_ORDERS, permission
from tests.support.people import Shelf


def asked(**fields: Any) -> Asked:
    defaults = {"entitlement": "orders-read", "duration": HOUR, "reason": "INC-4711 replay"}
    return Reading(Shelf()).asked(Ask(**{**defaults, **fields}), requester="lin")


def asked_of(target: str, *permissions: Permission, **fields: Any) -> Asked:
    return asked(entitlement=None, target=target, permissions=permissions, **fields)


def test_an_entitlement_stands_for_its_permissions() -> None:
    assert asked() == Asked(
        requester="lin",
        target="rmq-demo",
        permissions=(SUB_ORDERS,),
        duration=HOUR,
        reason="INC-4711 replay",
        entitlement="orders-read",
    )


def test_an_entitlement_brings_its_account() -> None:
    assert asked(entitlement="orders-svc").account == "svc-orders"
    assert asked(entitlement="orders-read", account="svc-orders").account == "svc-orders"


def test_permissions_on_one_resource_are_merged() -> None:
    words = asked_of("rmq-demo", SUB_ORDERS, permission("topic:orders", "Pub"), SUB_ORDERS)

    assert words.permissions == (BOTH_ORDERS,)


def test_an_address_is_written_in_one_way() -> None:
    words = asked_of("rmq-demo", permission("topic:orders", "Sub", "192.168.0.1", "2001:DB8::/32"))

    assert words.permissions[0].whitelist == {"192.168.0.1/32", "2001:db8::/32"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"entitlement": "orders-reed"},
            "no entitlement is called 'orders-reed'; there is",
        ),
        ({"entitlement": "rmq-demo"}, "'rmq-demo' is a target; say which"),
        ({"entitlement": "orders-read", "target": "rmq-demo"}, "not for both"),
        ({"entitlement": None}, "no target is called ''"),
        ({"entitlement": "orders-svc", "account": "other"}, "the entitlement is for the account"),
        ({"account": "svc-order"}, "no account is called 'svc-order'; there is svc-orders"),
        ({"duration": timedelta(0)}, "must be longer than nothing"),
        ({"duration": timedelta(hours=-1)}, "must be longer than nothing"),
        ({"duration": timedelta(days=367)}, "at most 366 days"),
        ({"reason": " \u200b\u202e\n"}, "say why you need it"),
        ({"reason": "x" * 501}, "is 501 characters long"),
        ({"ticket": "INC 4711"}, "no ticket id"),
        ({"ticket": "<!channel>"}, "no ticket id"),
    ],
)
def test_what_does_not_exist_or_makes_no_sense_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as refused:
        asked(**fields)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("target", "permissions", "words"),
    [
        ("rmq-dem", (SUB_ORDERS,), "no target is called 'rmq-dem'; there is rmq-demo"),
        ("rmq-demo", (), "1 to 20 resources"),
        ("rmq-demo", (READ,), "rmq-demo has no cache"),
        ("cache-demo", (SUB_ORDERS,), "cache-demo has no topic"),
        ("cache-demo", (permission("cache", "write"),), "ask for read,write"),
        ("cache-demo", (permission("cache", "read", "10.0.0.0/8"),), "no address list"),
        ("cache-demo", (permission("cache:db1", "read"),), "no name but *"),
        ("rmq-demo", (permission("group:GID_orders", "Pub"),), "takes Sub"),
        ("rmq-demo", (permission("topic:orders", "read"),), "takes Pub, Sub"),
        ("rmq-demo", (permission("topic:orders.paid\u200b", "Sub"),), "letters, digits"),
        ("rmq-demo", (permission("topic:*", "Sub"),), "letters, digits"),
        ("rmq-demo", (permission("topic:\u043erders", "Sub"),), "letters, digits"),
        ("rmq-demo", (permission("topic:orders", "Sub", "10.1.2.3/8"),), "did you mean 10.0.0.0/8"),
        ("rmq-demo", (permission("topic:orders", "Sub", "everywhere"),), "no address block"),
        (
            "rmq-demo",
            (SUB_ORDERS, permission("topic:orders", "Pub", "10.0.0.0/8")),
            "from different addresses",
        ),
        (
            "rmq-demo",
            tuple(permission(f"topic:t{n}", "Sub") for n in range(21)),
            "this has 21",
        ),
    ],
)
def test_what_no_target_can_give_is_refused(
    target: str, permissions: tuple[Permission, ...], words: str
) -> None:
    with pytest.raises(BadInput) as refused:
        asked_of(target, *permissions)

    assert words in str(refused.value)


def test_a_cache_takes_read_and_read_write() -> None:
    assert asked_of("cache-demo", READ).permissions == (READ,)
    assert asked_of("cache-demo", READ_WRITE).permissions == (READ_WRITE,)


def test_a_reason_becomes_one_visible_line() -> None:
    text = 'INC-4711\u202e\r\n{"level":"error"}\u200b 回放 😀\x1b[31m'

    assert reason_of(text) == 'INC-4711 {"level":"error"} 回放 😀[31m'


@given(st.text(min_size=1, max_size=300))
def test_no_reason_breaks_a_line_or_turns_one_around(text: str) -> None:
    try:
        reason = reason_of(text)
    except BadInput:
        return

    assert reason.isprintable()
    assert len(reason.splitlines()) == 1
