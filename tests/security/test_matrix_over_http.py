"""Every published vector, and each published way to spoil it, over HTTP on the real app."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from keylease.adapters.slack import signature as slack
from keylease.adapters.slack.door import SlackDoor
from keylease.adapters.webhook import signature as webhooks
from keylease.adapters.webhook.door import WebhookDoor
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.secret import Secret
from keylease.hosts.http import CHAT_LIMIT, MACHINE_LIMIT, Doors
from keylease.ports.doors import Call
from tests.support.desk import SLACK, WEBHOOK, Desk, send
from tests.support.doors import VECTORS, at, call_of, with_body, with_headers

TEAMS = {"slack.v0.vendor_published": "T1DC2JH3J"}
SIGNED = {id_: VECTORS[id_] for id_ in VECTORS if not id_.startswith("cloudevents.")}
LIMITS = {SLACK: CHAT_LIMIT, WEBHOOK: MACHINE_LIMIT}
OTHER = Secret("another-tenants-secret-0123456789")


def path_of(vector: dict[str, Any]) -> str:
    return SLACK if vector["system"] == "slack" else WEBHOOK


def desk_of(vector: dict[str, Any], *, skew: float = 0) -> Desk:
    """A desk that knows the vector's sender, `skew` seconds after it was signed."""
    secret = Secret(vector["key"])
    team = TEAMS.get(vector["id"], "T0FAKE001")
    proof = StandardWebhooks(secrets=() if path_of(vector) == SLACK else (secret,))
    doors = Doors(
        slack={"t1": SlackDoor(tenant="t1", signing_secrets=(secret,), team_id=team)},
        webhook={"t1": WebhookDoor(tenant="t1", proof=proof)},
    )
    desk = Desk(doors=doors)
    desk.clock.at = at(vector["timestamp"]) + timedelta(seconds=skew)
    return desk


async def status_of(vector: dict[str, Any], call: Call, *, skew: float = 0) -> int:
    """The answer; whatever it is, nothing but a genuine message leaves a trace in the store."""
    desk = desk_of(vector, skew=skew)
    async with desk.client() as client:
        status, body = await send(client, call, path=path_of(vector))
    if status >= 401:
        assert body == b""
        assert await desk.submitted() == ()
        assert await desk.store.audit() == ()
    return status


def stamp_name(call: Call) -> str:
    return slack.STAMP if call.all(slack.STAMP) else webhooks.STAMP


def signature_name(call: Call) -> str:
    return slack.SIGNATURE if call.all(slack.SIGNATURE) else webhooks.SIGNATURE


def reserialized(call: Call) -> Call:
    """What a proxy that parses and writes JSON again would pass on."""
    try:
        body = json.dumps(json.loads(call.body), indent=1).encode()
    except ValueError:
        body = call.body.replace(b"%20", b"+") + b"&"
    return with_body(call, body)


def signed_by_another(call: Call) -> Call:
    (stamp,) = call.all(stamp_name(call))
    if call.all(slack.SIGNATURE):
        return with_headers(call, (slack.SIGNATURE, slack.sign(OTHER, stamp=stamp, body=call.body)))
    (id_,) = call.all(webhooks.ID)
    made = webhooks.sign(webhooks.key_of(OTHER), id=id_, stamp=stamp, body=call.body)
    return with_headers(call, (webhooks.SIGNATURE, made))


def twice(call: Call, name: str) -> Call:
    """Spelled as the first one: aiohttp's client would keep only one of two spellings."""
    same = tuple(header for header in call.headers if header[0].lower() == name)
    return with_headers(call, extra=same)


def signature(value: str) -> Callable[[Call], Call]:
    return lambda call: with_headers(call, (signature_name(call), value))


def stamp(value: str) -> Callable[[Call], Call]:
    return lambda call: with_headers(call, (stamp_name(call), value))


SPOILED: dict[str, Callable[[Call], Call]] = {
    "body_bit_flip": lambda call: with_body(call, call.body + b" "),
    "reserialized_json": reserialized,
    "missing_signature_header": lambda call: with_headers(call, (signature_name(call), None)),
    "missing_timestamp": lambda call: with_headers(call, (stamp_name(call), None)),
    "duplicate_signature": lambda call: twice(call, signature_name(call)),
    "duplicate_timestamp": lambda call: twice(call, stamp_name(call)),
    "wrong_tenant_key": signed_by_another,
    "invalid_utf8_body": lambda call: with_body(call, b"\xff\xfe"),
    "empty_body": lambda call: with_body(call, b""),
    **{
        f"malformed_signature {value!r}": signature(value)
        for value in ("", "v1", "v0", "v0=", "v1,", "v1,,", ",", "sha256", "sha1=00", "v2=00",
                      "none", "v0=zz", "v1,é", "v1,AAAA v1", " ", "v1a,AAAA")
    },
    **{
        f"non_numeric_timestamp {value!r}": stamp(value)
        for value in ("abc", "", "1e9", "NaN", "-1", str(10**30), "0x10", "1767225600.0")
    },
}  # fmt: skip


@pytest.mark.parametrize("vector", SIGNED.values(), ids=SIGNED.keys())
@pytest.mark.parametrize("skew", [-300, 0, 300])
async def test_every_vector_is_genuine_to_the_edges_of_its_window(
    vector: dict[str, Any], skew: int
) -> None:
    # A webhook's vector is no message of ours: proved, and then told what is wrong with it.
    expected = 200 if path_of(vector) == SLACK else 400

    assert await status_of(vector, call_of(vector), skew=skew) == expected


@pytest.mark.parametrize("vector", SIGNED.values(), ids=SIGNED.keys())
@pytest.mark.parametrize("skew", [-301, 301])
async def test_no_vector_is_genuine_outside_of_its_window(
    vector: dict[str, Any], skew: int
) -> None:
    assert await status_of(vector, call_of(vector), skew=skew) == 401


@pytest.mark.parametrize("vector", SIGNED.values(), ids=SIGNED.keys())
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
async def test_a_spoiled_vector_is_refused_without_a_word(
    vector: dict[str, Any], spoil: Callable[[Call], Call]
) -> None:
    assert await status_of(vector, spoil(call_of(vector))) == 401


@pytest.mark.parametrize("vector", SIGNED.values(), ids=SIGNED.keys())
async def test_a_body_over_the_limit_is_refused_before_it_is_proved(vector: dict[str, Any]) -> None:
    body = b"x" * (LIMITS[path_of(vector)] + 1)

    assert await status_of(vector, with_body(call_of(vector), body)) == 413
