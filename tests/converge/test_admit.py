"""Whether an approved request can be served."""

from keylease.converge.admit import Admitted, Full, Room, admit, standing_account
from keylease.domain.access import StandingAccount
from keylease.domain.account import AccountKind, dedicated_username
from keylease.domain.request import Request
from keylease.domain.schedule import Schedule
from keylease.domain.slots import Slots
from tests.support.build import (
    HOUR,
    NOW,
    READ,
    REDIS,
    ROCKETMQ,
    SUB_ORDERS,
    asked,
    lease,
    permission,
    request,
    standing,
)

DECLARED = StandingAccount(
    target="rmq-demo", username="svc", owner="ana", rotation=Schedule(every_days=30)
)


def admitted(wanted: Request, room: Room) -> Admitted:
    answer = admit(wanted, room, now=NOW)
    assert isinstance(answer, Admitted)
    return answer


def reasons(wanted: Request, room: Room) -> tuple[str, ...]:
    answer = admit(wanted, room, now=NOW)
    assert isinstance(answer, Full)
    return answer.reasons


def test_a_dedicated_account_is_named_after_its_lease() -> None:
    got = admitted(request(), Room(target=ROCKETMQ))

    username = dedicated_username("lease-req-1")
    assert got.lease.id == "lease-req-1"
    assert got.lease.account_id == f"rmq-demo/{username}"
    assert got.account.account_kind is AccountKind.DEDICATED
    assert got.account.owner == "ana"
    assert got.records == (got.lease, got.account)


def test_the_deadline_is_absolute() -> None:
    assert admitted(request(), Room(target=ROCKETMQ)).lease.not_after == NOW + HOUR


def test_a_target_with_a_limit_gives_a_slot() -> None:
    wanted = request(asked=asked(READ, target="cache-demo"))

    got = admitted(wanted, Room(target=REDIS, slots=Slots(id="cache-demo", accounts=("a",))))

    assert got.slots is not None
    assert got.slots.accounts == ("a", got.account.id)
    assert got.records == (got.lease, got.account, got.slots)


def test_a_full_target_says_so() -> None:
    wanted = request(asked=asked(READ, target="cache-demo"))
    full = Slots(id="cache-demo", accounts=tuple(str(i) for i in range(16)))

    assert reasons(wanted, Room(target=REDIS, slots=full)) == (
        "all 16 accounts that keylease may hold on cache-demo are in use",
    )


def test_a_declared_standing_account_is_enrolled() -> None:
    wanted = request(asked=asked(SUB_ORDERS, account="svc"))

    got = admitted(wanted, Room(target=ROCKETMQ, standing=DECLARED))

    assert got.account == standing_account(DECLARED)
    assert got.account.account_kind is AccountKind.STANDING
    assert got.lease.account_id == "rmq-demo/svc"


def test_an_account_that_was_read_guards_the_commit() -> None:
    held = standing(username="svc", version=7)

    got = admitted(
        request(asked=asked(SUB_ORDERS, account="svc")),
        Room(target=ROCKETMQ, standing=DECLARED, account=held),
    )

    assert got.account is held
    assert got.slots is None


def test_an_undeclared_account_is_refused() -> None:
    (reason,) = reasons(request(asked=asked(SUB_ORDERS, account="root")), Room(target=ROCKETMQ))

    assert reason == "account root is not declared as a standing account in the catalog"


def test_leases_that_would_widen_a_row_are_refused() -> None:
    held = lease("a", permission("topic:orders", "Pub", "10.0.0.0/8"), username="svc")
    wanted = request(asked=asked(permission("topic:orders", "Sub"), account="svc"))

    (reason,) = reasons(
        wanted,
        Room(target=ROCKETMQ, standing=DECLARED, account=standing(username="svc"), leases=(held,)),
    )

    assert "ask for a dedicated account" in reason


def test_redis_knows_two_roles_only() -> None:
    for wrong in (
        (permission("cache", "write"),),
        (permission("cache", "read", "10.0.0.0/8"),),
        (READ, READ),
    ):
        wanted = request(asked=asked(*wrong, target="cache-demo"))
        assert "read,write" in reasons(wanted, Room(target=REDIS))[0]


def test_an_account_serves_only_as_many_leases_as_one_look_sees() -> None:
    wanted = request(asked=asked(SUB_ORDERS, account="svc"))
    served = tuple(lease(f"lease-{n}") for n in range(1000))

    there = Room(target=ROCKETMQ, standing=DECLARED, account=standing(), leases=served[1:])
    full = Room(target=ROCKETMQ, standing=DECLARED, account=standing(), leases=served)

    assert admitted(wanted, there)
    assert reasons(wanted, full) == (
        "the account serves 1000 leases already; ask again when some are over",
    )
