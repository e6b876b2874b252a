"""One row serves many permissions only if it widens none."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.converge.rows import merge
from keylease.domain.access import Action, Permission, ResourceType, addresses_within
from tests.support.build import permission

NETS = ("10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16")


def test_actions_of_the_same_addresses_add_up() -> None:
    merged = merge(
        [permission("topic:orders", "Pub", NETS[0]), permission("topic:orders", "Sub", NETS[0])]
    )

    assert merged == permission("topic:orders", "Pub,Sub", NETS[0])


def test_addresses_of_the_same_actions_add_up() -> None:
    merged = merge(
        [permission("topic:orders", "Sub", NETS[0]), permission("topic:orders", "Sub", NETS[2])]
    )

    assert merged == permission("topic:orders", "Sub", NETS[0], NETS[2])


def test_different_actions_from_different_addresses_do_not_fit_one_row() -> None:
    merged = merge(
        [permission("topic:orders", "Pub", NETS[0]), permission("topic:orders", "Sub", NETS[2])]
    )

    assert merged is None


def test_what_is_within_another_changes_nothing() -> None:
    wide = permission("topic:orders", "Pub,Sub")

    assert merge([wide, permission("topic:orders", "Sub", NETS[1])]) == wide


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_everywhere_beside_somewhere_widens_another_action(order: tuple[int, int]) -> None:
    parts = (permission("topic:orders", "Pub", NETS[0]), permission("topic:orders", "Sub"))

    assert merge([parts[i] for i in order]) is None


def permissions() -> st.SearchStrategy[Permission]:
    return st.builds(
        Permission,
        resource=st.just(ResourceType.TOPIC),
        name=st.just("orders"),
        actions=st.sets(st.sampled_from([Action.PUB, Action.SUB]), min_size=1).map(frozenset),
        whitelist=st.sets(st.sampled_from(NETS)).map(frozenset),
    )


def allows(parts: Sequence[Permission], action: Action, net: str) -> bool:
    return any(
        action in p.actions and addresses_within(frozenset({net}), p.whitelist) for p in parts
    )


@given(st.lists(permissions(), min_size=1, max_size=4))
def test_a_merged_row_gives_exactly_what_its_parts_give(parts: list[Permission]) -> None:
    merged = merge(parts)

    if merged is not None:
        nets = (*NETS, "0.0.0.0/0")
        for action, net in product((Action.PUB, Action.SUB), nets):
            assert allows([merged], action, net) == allows(parts, action, net)
