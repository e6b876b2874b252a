"""The table: what happens, and what every host leaves of it."""

import json

from tests.conformance.steps import (
    ANA,
    Poisons,
    Presses,
    Repeats,
    Row,
    Seen,
    Sends,
    Types,
    Waits,
)

ASKS = "request orders-consumer for 5m because INC-1"
ASKS_BRIEFLY = "request orders-consumer for 3s because INC-1"
ASKS_IN_VAIN = "request payments-producer for 5m because INC-1"
ASKS_WHAT_IS_REVIEWED = "request cache-reader for 5m because INC-1"
FROM_A_MACHINE = {
    "specversion": "1.0",
    "id": "ask-1",
    "source": "urn:billing",
    "type": "io.keylease.access.request.v1",
    "data": {"entitlement": "orders-consumer", "duration": "5m", "reason": "INC-1"},
}
RECEIVED = "req-1 is received. You are told as soon as it is decided."
ON_ITS_WAY = "req-1: ending it is on its way."
NO_COMMAND = """\
'open' is no command; there is request, approve, deny, release, status, claim, help.
Say: /access request rmq-prod topic:orders Sub for 8h because INC-4711 replay"""
NO_JSON = "400 json_malformed"


def from_a_machine(**changes: object) -> Sends:
    return Sends(json.dumps({**FROM_A_MACHINE, **changes}))


UNPROVED = (
    Row("a wrong signature", (Types(ASKS, signed_with="wrong"),), Seen(answers=("401",))),
    Row("a signature of an hour ago", (Types(ASKS, age=3600),), Seen(answers=("401",))),
    Row("an unknown workspace", (Types(ASKS, tenant="other"),), Seen(answers=("401",))),
    Row("an unknown token", (Sends("{}", bearer="wrong"),), Seen(answers=("401",))),
    Row(
        "no such door, and no such method",
        (Sends("", path="/nowhere"), Sends("", method="PUT")),
        Seen(answers=("404", "405")),
    ),
)
NOT_UNDERSTOOD = (
    Row("a body that is no JSON", (Sends('{"specversion"'),), Seen(answers=(NO_JSON,))),
    Row("an unknown type", (from_a_machine(type="com.example.other"),), Seen(answers=("202",))),
    Row("an oversized body", (Sends("x" * (1024 * 1024 + 1)),), Seen(answers=("413",))),
    Row(
        "an oversized event",
        (from_a_machine(data={"reason": "x" * 70_000}),),
        Seen(answers=("413 too_large",)),
    ),
    Row("no known command", (Types("open sesame"),), Seen(answers=(f"200 {NO_COMMAND}",))),
)
A_LEASE = Seen(
    answers=(f"200 {RECEIVED}",),
    requests=("approved",),
    leases=("active",),
    events=("request.submitted", "request.approved", "lease.activated"),
    audit=("claim.offered", "lease.active", "request.approved", "request.submitted"),
    accounts=1,
)
DECIDED = (
    Row("a command that the policy permits", (Types(ASKS),), A_LEASE),
    Row(
        "a command that Slack sends twice",
        (Types(ASKS, trigger="1.2"), Types(ASKS, trigger="1.2")),
        A_LEASE.but(answers=(f"200 {RECEIVED}",) * 2),
    ),
    Row(
        "an event that a machine sends twice",
        (from_a_machine(), from_a_machine()),
        A_LEASE.but(
            answers=(f"202 {RECEIVED}",) * 2,
            audit=("lease.active", *["notify.unreachable"] * 2, *A_LEASE.audit[2:]),
        ),
    ),
    Row(
        "a command that the policy denies",
        (Types(ASKS_IN_VAIN),),
        Seen(
            answers=(f"200 {RECEIVED}",),
            requests=("denied",),
            events=("request.submitted", "request.denied"),
            audit=("request.denied", "request.submitted"),
        ),
    ),
)
IN_REVIEW = Seen(
    answers=(f"200 {RECEIVED}", "200"),
    requests=("in_review",),
    events=("request.submitted", "request.review_needed"),
    audit=("request.in_review", "request.submitted"),
)
REVIEWED = (
    Row(
        "a review that approves",
        (Types(ASKS_WHAT_IS_REVIEWED), Presses("access_approve"), Waits("lease.activated")),
        IN_REVIEW.but(
            requests=("approved",),
            leases=("active",),
            events=(*IN_REVIEW.events, "request.approved", "lease.activated"),
            audit=("claim.offered", "lease.active", "request.approved", *IN_REVIEW.audit),
            accounts=1,
        ),
    ),
    Row(
        "a review that denies",
        (Types(ASKS_WHAT_IS_REVIEWED), Presses("access_deny")),
        IN_REVIEW.but(
            requests=("denied",),
            events=(*IN_REVIEW.events, "request.denied"),
            audit=("request.denied", *IN_REVIEW.audit),
        ),
    ),
    Row(
        "somebody's review of their own request",
        (Types(ASKS_WHAT_IS_REVIEWED), Presses("access_approve", who=ANA)),
        IN_REVIEW.but(
            events=(*IN_REVIEW.events, "review.refused"),
            audit=(*IN_REVIEW.audit, "review.refused"),
        ),
    ),
    Row(
        "a request that is taken back",
        (Types(ASKS_WHAT_IS_REVIEWED), Types("release {req}")),
        IN_REVIEW.but(
            answers=(f"200 {RECEIVED}", f"200 {ON_ITS_WAY}"),
            requests=("cancelled",),
            events=(*IN_REVIEW.events, "request.cancelled"),
            audit=("request.cancelled", *IN_REVIEW.audit),
        ),
    ),
)
ENDED = (
    Row(
        "a lease that is given back, twice",
        (Types(ASKS), Types("release {req}"), Types("release {req}")),
        A_LEASE.but(
            answers=(f"200 {RECEIVED}", *[f"200 {ON_ITS_WAY}"] * 2),
            leases=("ended released",),
            events=(*A_LEASE.events, "lease.ended"),
            audit=(*A_LEASE.audit[:2], "lease.ended", "lease.released", *A_LEASE.audit[2:]),
            accounts=0,
        ),
    ),
    Row(
        "a lease whose time is over",
        (Types(ASKS_BRIEFLY), Waits("lease.ended")),
        A_LEASE.but(
            leases=("ended expired",),
            events=(*A_LEASE.events, "lease.ended"),
            audit=(*A_LEASE.audit[:2], "lease.ended", *A_LEASE.audit[2:]),
            accounts=0,
        ),
    ),
)
FROM_THE_BUS = (
    Row("an event that comes again", (Types(ASKS), Repeats()), A_LEASE),
    Row("poison, and a command after it", (Poisons(), Types(ASKS)), A_LEASE.but(given_up=1)),
)
TABLE = (*UNPROVED, *NOT_UNDERSTOOD, *DECIDED, *REVIEWED, *ENDED, *FROM_THE_BUS)
