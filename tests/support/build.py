"""Builders with defaults: each test says only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from keylease.converge.situation import Situation
from keylease.domain.access import Action, Permission, Product, ResourceType, Target, account_id
from keylease.domain.account import Account, AccountKind, Lock
from keylease.domain.credential import Credential, Sealed, credential_id
from keylease.domain.lease import Lease
from keylease.domain.people import ExternalId
from keylease.domain.request import Asked, Request
from keylease.domain.steps import Observed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

ROCKETMQ = Target(
    id="rmq-demo", product=Product.ROCKETMQ, instance_id="rmq-cn-demo0001", region="cn-hangzhou"
)
REDIS = Target(
    id="cache-demo",
    product=Product.REDIS,
    instance_id="r-demo0001",
    region="cn-hangzhou",
    account_limit=16,
)
SEALED = Sealed(key_id="k1", nonce="bm9uY2U=", ciphertext="Y2lwaGVy")


def permission(what: str, actions: str, *whitelist: str) -> Permission:
    """`permission("topic:orders", "Pub,Sub", "10.0.0.0/8")`."""
    resource, _, name = what.partition(":")
    return Permission(
        resource=ResourceType(resource),
        name=name or "*",
        actions=frozenset(Action(action) for action in actions.split(",")),
        whitelist=frozenset(whitelist),
    )


SUB_ORDERS = permission("topic:orders", "Sub")
PUB_ORDERS = permission("topic:orders", "Pub")
BOTH_ORDERS = permission("topic:orders", "Pub,Sub")
READ = permission("cache", "read")
READ_WRITE = permission("cache", "read,write")


def lease(id_: str = "lease-1", *permissions: Permission, **fields: Any) -> Lease:
    """A pending lease of one hour on account `rmq-demo/kl1`."""
    target = fields.pop("target_id", "rmq-demo")
    defaults: dict[str, Any] = {
        "id": id_,
        "request_id": f"req-{id_}",
        "holder": "ana",
        "target_id": target,
        "account_id": account_id(target=target, username=fields.pop("username", "kl1")),
        "permissions": permissions or (SUB_ORDERS,),
        "approved_at": NOW,
        "not_after": NOW + HOUR,
    }
    return Lease(**(defaults | fields))


def account(**fields: Any) -> Account:
    """A dedicated account `rmq-demo/kl1`, in our turn."""
    target, username = fields.pop("target_id", "rmq-demo"), fields.pop("username", "kl1")
    defaults: dict[str, Any] = {
        "id": account_id(target=target, username=username),
        "target_id": target,
        "username": username,
        "account_kind": AccountKind.DEDICATED,
        "owner": "ana",
        "epoch": 1,
        "lock": Lock(epoch=1, owner="turn-1", until=NOW + timedelta(seconds=45)),
    }
    return Account(**(defaults | fields))


def standing(**fields: Any) -> Account:
    """A standing account of that name."""
    return account(account_kind=AccountKind.STANDING, made=True, **fields)


def credential(number: int = 1, **fields: Any) -> Credential:
    """A pending credential of account `rmq-demo/kl1`."""
    defaults: dict[str, Any] = {
        "id": credential_id(account_id="rmq-demo/kl1", number=number),
        "account_id": "rmq-demo/kl1",
        "target_id": "rmq-demo",
        "username": "kl1",
        "number": number,
        "holder": "ana",
        "sealed": SEALED,
        "made_at": NOW,
    }
    return Credential(**(defaults | fields))


def shows(*rows: Permission, **fields: Any) -> Observed:
    """A target that shows an account with these rows."""
    defaults: dict[str, Any] = {"exists": True, "permissions": rows}
    return Observed(**(defaults | fields))


NOBODY = Observed(exists=False)


def situation(*leases: Lease, **fields: Any) -> Situation:
    """What one look shows; by default a dedicated RocketMQ account that is not there yet."""
    defaults: dict[str, Any] = {
        "account": account(),
        "target": ROCKETMQ,
        "loaded": leases,
        "leases": leases,
        "now": NOW,
        "observed": NOBODY,
    }
    return Situation(**(defaults | fields))


def asked(*permissions: Permission, **fields: Any) -> Asked:
    """Ana asks for an hour of Sub on topic orders."""
    defaults: dict[str, Any] = {
        "requester": "ana",
        "target": "rmq-demo",
        "permissions": permissions or (SUB_ORDERS,),
        "duration": HOUR,
        "reason": "replay INC-1",
    }
    return Asked(**(defaults | fields))


def request(id_: str = "req-1", *permissions: Permission, **fields: Any) -> Request:
    """A submitted request of Ana's; words of `Asked` go into `asked`."""
    defaults: dict[str, Any] = {
        "id": id_,
        "asked": fields.pop("asked", None) or asked(*permissions),
        "origin": ExternalId(platform="slack", tenant="T1", subject="UANA"),
        "submitted_at": NOW,
        "answer_by": NOW + timedelta(hours=24),
    }
    return Request(**(defaults | fields))
