"""Permissions: what is within what."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.domain.access import (
    Permission,
    StandingAccount,
    account_id,
    addresses_within,
)
from tests.domain.strategies import permissions, whitelists
from tests.support.build import BOTH_ORDERS, PUB_ORDERS, SUB_ORDERS, permission

CLIENTS = [
    ip_address(text)
    for text in (
        "10.1.2.3",
        "10.1.9.9",
        "10.9.9.9",
        "192.168.3.4",
        "8.8.8.8",
        "fd00::1",
        "2001:db8::1",
    )
]


def lets_in(whitelist: frozenset[str], client: object) -> bool:
    """What a broker does with a whitelist."""
    return not whitelist or any(client in ip_network(cidr) for cidr in whitelist)


@given(permissions())
def test_everything_is_within_itself(one: Permission) -> None:
    assert one.is_within(one)


@given(permissions(), permissions(), permissions())
def test_within_goes_through(a: Permission, b: Permission, c: Permission) -> None:
    if a.is_within(b) and b.is_within(c):
        assert a.is_within(c)


@given(permissions(), permissions())
def test_what_is_within_gives_no_client_anything_more(a: Permission, b: Permission) -> None:
    if a.is_within(b):
        assert a.key == b.key
        for action in a.actions:
            assert action in b.actions
        for client in CLIENTS:
            assert not lets_in(a.whitelist, client) or lets_in(b.whitelist, client)


@given(whitelists, whitelists)
def test_addresses_within_never_widens(inner: frozenset[str], outer: frozenset[str]) -> None:
    if addresses_within(inner, outer):
        assert all(lets_in(outer, client) for client in CLIENTS if lets_in(inner, client))


@given(permissions(), st.sampled_from(["10.0.0.0/8", "fd00::/8"]))
def test_fewer_addresses_are_within_all(one: Permission, cidr: str) -> None:
    everywhere = one.evolve(whitelist=frozenset[str]())
    somewhere = one.evolve(whitelist=frozenset({cidr}))

    assert somewhere.is_within(everywhere)
    assert not everywhere.is_within(somewhere)


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ({"10.1.0.0/16"}, {"10.0.0.0/8"}, True),
        ({"10.0.0.0/8"}, {"10.1.0.0/16"}, False),
        ({"10.1.2.3"}, {"10.1.2.0/24"}, True),
        ({"10.1.2.3/24"}, {"10.1.2.0/24"}, True),
        ({"10.1.0.0/16", "192.168.1.1"}, {"10.0.0.0/8", "192.168.0.0/16"}, True),
        ({"10.1.0.0/16", "8.8.8.8"}, {"10.0.0.0/8"}, False),
        ({"fd00::1"}, {"fd00::/8"}, True),
        ({"fd00::1"}, {"10.0.0.0/8"}, False),
        ({"10.0.0.1"}, {"::/0"}, False),
    ],
)
def test_addresses_of_both_families(inner: set[str], outer: set[str], expected: bool) -> None:
    assert addresses_within(frozenset(inner), frozenset(outer)) is expected


def test_fewer_actions_are_within_more() -> None:
    assert SUB_ORDERS.is_within(BOTH_ORDERS)
    assert not BOTH_ORDERS.is_within(SUB_ORDERS)
    assert not SUB_ORDERS.is_within(PUB_ORDERS)
    assert not SUB_ORDERS.is_within(permission("topic:payments", "Pub,Sub"))


def test_a_permission_reads_as_words() -> None:
    where = permission("topic:orders", "Sub,Pub", "192.168.0.0/16", "10.0.0.0/8")

    assert str(where) == "Pub|Sub on topic orders from 10.0.0.0/8, 192.168.0.0/16"
    assert str(SUB_ORDERS) == "Sub on topic orders"


def test_an_account_is_named_by_target_and_user() -> None:
    service = StandingAccount(target="rmq-prod", username="billing", owner="ben")

    assert service.id == account_id(target="rmq-prod", username="billing") == "rmq-prod/billing"
