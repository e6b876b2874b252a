"""A planner's fault is stopped before the call."""

import pytest

from keylease.converge.verify import verify
from keylease.domain.account import Account, Managed
from keylease.domain.lease import Lease
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    PutRow,
    Step,
)
from keylease.errors import InvariantBroken
from tests.support.build import (
    BOTH_ORDERS,
    PUB_ORDERS,
    READ,
    READ_WRITE,
    SUB_ORDERS,
    account,
    lease,
    permission,
    standing,
)

LIVE = (lease("a", SUB_ORDERS),)
FROM_TEN = permission("topic:orders", "Sub", "10.0.0.0/8")


def kept(before: object) -> Account:
    row = Managed.model_validate(
        {"resource": "topic", "name": "orders", "before": before}, strict=False
    )
    return standing(managed=(row,))


@pytest.mark.parametrize(
    ("step", "held", "live"),
    [
        (CreateAccount("kl1"), account(), LIVE),
        (CreateAccount("kl1", READ), account(), (lease("a", READ_WRITE),)),
        (Enable("kl1"), account(), LIVE),
        (PutRow("kl1", SUB_ORDERS, exists=True), account(), LIVE),
        (PutRow("kl1", FROM_TEN, exists=True), account(), LIVE),
        (PutRow("kl1", BOTH_ORDERS, exists=True), kept(PUB_ORDERS), LIVE),
        (PutRow("kl1", PUB_ORDERS, exists=True), kept(PUB_ORDERS), ()),
        (DropRow("kl1", PUB_ORDERS), account(), ()),
        (DropRow("kl1", PUB_ORDERS), kept(None), ()),
        (Disable("kl1"), account(), ()),
        (DropAccount("kl1"), account(), ()),
    ],
)
def test_what_is_allowed_passes(step: Step, held: Account, live: tuple[Lease, ...]) -> None:
    verify(step, account=held, live=live)


@pytest.mark.parametrize(
    ("step", "held", "live", "why"),
    [
        (CreateAccount("other"), account(), LIVE, "not about account kl1"),
        (CreateAccount("kl1"), account(), (), "no live lease"),
        (CreateAccount("kl1"), standing(), LIVE, "standing"),
        (CreateAccount("kl1", READ_WRITE), account(), (lease("a", READ),), "allows write"),
        (Enable("kl1"), account(), (), "no live lease"),
        (Enable("kl1"), standing(), LIVE, "standing"),
        (PutRow("kl1", BOTH_ORDERS, exists=True), account(), LIVE, "allows Pub"),
        (PutRow("kl1", SUB_ORDERS, exists=True), account(), (lease("a", FROM_TEN),), "addresses"),
        (PutRow("kl1", PUB_ORDERS, exists=True), account(), (), "allows Pub"),
        (PutRow("kl1", permission("topic:pay", "Sub"), exists=False), account(), LIVE, "allows"),
        (DropRow("kl1", SUB_ORDERS), account(), LIVE, "needs the row"),
        (DropRow("kl1", PUB_ORDERS), standing(), (), "not ours"),
        (DropRow("kl1", PUB_ORDERS), kept(PUB_ORDERS), (), "stood there before"),
        (Disable("kl1"), standing(), (), "standing"),
        (Disable("kl1"), account(), LIVE, "needs the account"),
        (DropAccount("kl1"), standing(), (), "standing"),
        (DropAccount("kl1"), account(), LIVE, "needs the account"),
        (CreateAccount("kl1"), account(), (lease("a", username="other"),), "another account"),
    ],
)
def test_what_is_not_allowed_is_stopped(
    step: Step, held: Account, live: tuple[Lease, ...], why: str
) -> None:
    with pytest.raises(InvariantBroken, match=why):
        verify(step, account=held, live=live)
