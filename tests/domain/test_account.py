"""An account: one worker at a time, and a name that every product takes."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keylease.domain.access import ResourceType
from keylease.domain.account import Intent, Lock, Managed, dedicated_username
from keylease.domain.slots import Slots
from tests.support.build import HOUR, NOW, PUB_ORDERS, account

TURN = timedelta(seconds=45)
SECOND = timedelta(seconds=1)


def test_a_fresh_account_is_free_and_a_locked_one_is_not() -> None:
    free = account(lock=None)

    locked = free.locked(by="turn-1", now=NOW, turn=TURN)

    assert free.is_free(NOW)
    assert not locked.is_free(NOW + TURN - SECOND)
    assert locked.is_free(NOW + TURN)


def test_every_turn_has_a_higher_number() -> None:
    first = account(lock=None, epoch=4).locked(by="turn-1", now=NOW, turn=TURN)
    second = first.evolve(lock=None).locked(by="turn-2", now=NOW + HOUR, turn=TURN)

    assert first.lock == Lock(epoch=5, owner="turn-1", until=NOW + TURN)
    assert (second.epoch, second.lock) == (
        6,
        Lock(epoch=6, owner="turn-2", until=NOW + HOUR + TURN),
    )


def test_a_gift_that_may_land_late_is_looked_at_again() -> None:
    gift = Intent(steps=("put",), credential_id=None, at=NOW, gives=True)
    taking = gift.evolve(gives=False)

    assert account(intent=gift).doubted().recheck_at == NOW + timedelta(minutes=16)
    assert account(intent=taking).doubted().recheck_at is None
    assert account().doubted().recheck_at is None


@pytest.mark.parametrize(
    ("rotate", "recheck", "rotation", "expected"),
    [
        (None, None, None, None),
        (2, None, None, 2),
        (None, 3, None, 3),
        (2, 3, None, 2),
        (3, 2, None, 2),
        (2, None, "rotation-1", None),
        (2, 3, "rotation-1", 3),
    ],
)
def test_sweep_looks_at_the_earliest(
    rotate: int | None, recheck: int | None, rotation: str | None, expected: int | None
) -> None:
    due = account(
        rotate_at=None if rotate is None else NOW + rotate * HOUR,
        recheck_at=None if recheck is None else NOW + recheck * HOUR,
        rotation_id=rotation,
    )

    assert due.sweep_at == (None if expected is None else NOW + expected * HOUR)


def test_a_planned_look_is_due_from_its_instant_on() -> None:
    planned = account(recheck_at=NOW)

    assert planned.needs_look(NOW)
    assert not planned.needs_look(NOW - SECOND)
    assert not account().needs_look(NOW)


def test_a_removed_account_is_not_open() -> None:
    assert (account().is_open, account().parent) == (True, "rmq-demo")
    assert not account(removed_at=NOW).is_open


def test_what_stood_before_is_remembered_by_row() -> None:
    topic, group = (ResourceType.TOPIC, "orders"), (ResourceType.GROUP, "GID_orders")
    managed = (
        Managed(resource=group[0], name=group[1], before=None),
        Managed(resource=topic[0], name=topic[1], before=PUB_ORDERS),
    )

    touched = account(managed=managed)

    assert touched.before(topic) == PUB_ORDERS
    assert touched.before(group) is None
    assert touched.before((ResourceType.TOPIC, "payments")) is None


@given(st.text())
def test_a_dedicated_name_is_valid_under_every_rule(lease_id: str) -> None:
    name = dedicated_username(lease_id)

    assert re.fullmatch(r"kl[a-z0-9]{12}", name)
    assert name == dedicated_username(lease_id)


def test_dedicated_names_do_not_collide() -> None:
    names = {dedicated_username(f"lease-{n}") for n in range(100_000)}

    assert len(names) == 100_000


def test_a_dedicated_name_never_changes_between_versions() -> None:
    assert dedicated_username("lease-1") == "klwlhmyenq8moe"


def test_slots_are_taken_and_given_back() -> None:
    slots = Slots(id="cache-demo").taken_by("cache-demo/kl1").taken_by("cache-demo/kl2")

    assert slots.accounts == ("cache-demo/kl1", "cache-demo/kl2")
    assert slots.given_back_by("cache-demo/kl1").accounts == ("cache-demo/kl2",)
    assert slots.given_back_by("cache-demo/kl9") == slots
