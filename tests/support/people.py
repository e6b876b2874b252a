"""A small catalog and directory: two people, a service, a RocketMQ and a Redis target."""

from dataclasses import dataclass, field
from datetime import datetime

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.people import ExternalId, Principal
from tests.support.build import NOW, REDIS, ROCKETMQ, SUB_ORDERS


def slack_id(subject: str, tenant: str = "T0FAKE001") -> ExternalId:
    return ExternalId(platform="slack", tenant=tenant, subject=subject)


LIN = Principal(id="lin", groups=frozenset({"orders"}), addresses=(slack_id("U0REQ0001"),))
CHEN = Principal(id="chen", groups=frozenset({"leads"}), addresses=(slack_id("U0APPR001"),))
SERVICE = Principal(
    id="orders-service",
    is_workload=True,
    addresses=(
        ExternalId(platform="cloudevents", tenant="orders", subject="https://orders.example.com/"),
        ExternalId(platform="webhook", tenant="t1", subject="servicenow"),
    ),
)


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class CountedIds:
    """Ids in order of making."""

    made: int = 0

    def new(self, kind: str, /) -> str:
        self.made += 1
        return f"{kind}-{self.made:06}"

    def nonce(self) -> str:
        return self.new("n")

    def jitter(self) -> float:
        return 0.5


@dataclass(frozen=True)
class People:
    """Keeps `ports.directory.Directory`."""

    known: tuple[Principal, ...] = (LIN, CHEN, SERVICE)

    async def resolve(self, external: ExternalId, /) -> Principal | None:
        return next((one for one in self.known if external in one.addresses), None)

    async def principal(self, id: str, /) -> Principal | None:  # the port's word
        return next((one for one in self.known if one.id == id), None)

    async def members(self, group: str, /) -> tuple[Principal, ...]:
        return tuple(one for one in self.known if group in one.groups or group == one.id)


@dataclass(frozen=True)
class Shelf:
    """Keeps `ports.directory.Catalog`."""

    known_targets: tuple[Target, ...] = (ROCKETMQ, REDIS)
    known_entitlements: tuple[Entitlement, ...] = (
        Entitlement(id="orders-read", target="rmq-demo", permissions=(SUB_ORDERS,)),
        Entitlement(
            id="orders-svc", target="rmq-demo", permissions=(SUB_ORDERS,), account="svc-orders"
        ),
    )
    accounts: tuple[StandingAccount, ...] = field(
        default=(StandingAccount(target="rmq-demo", username="svc-orders", owner="lin"),)
    )

    def target(self, id: str, /) -> Target | None:  # the port's word
        return next((one for one in self.known_targets if one.id == id), None)

    def targets(self) -> tuple[Target, ...]:
        return self.known_targets

    def entitlement(self, id: str, /) -> Entitlement | None:  # the port's word
        return next((one for one in self.known_entitlements if one.id == id), None)

    def entitlements(self) -> tuple[Entitlement, ...]:
        return self.known_entitlements

    def standing(self) -> tuple[StandingAccount, ...]:
        return self.accounts
