"""Standard Webhooks: the vectors, the negative matrix, the reference library as the other judge."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from keylease.adapters.webhook.signature import StandardWebhooks, key_of, signed_content
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured, NotGenuine
from keylease.ports.doors import Call
from tests.support.doors import (
    CLOCK,
    VECTORS,
    WEBHOOK_SECRET,
    at,
    call_of,
    webhook_call,
    with_body,
    with_headers,
)

SIGNED = [
    VECTORS[id_]
    for id_ in (
        "standard_webhooks.v1",
        "standard_webhooks.v1_rotation_and_v1a",
        "servicenow.standard_webhooks_by_script",
    )
]
PROOF = StandardWebhooks(secrets=(WEBHOOK_SECRET,))
ID, STAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


@pytest.mark.parametrize("vector", SIGNED, ids=lambda v: v["id"])
def test_every_vector_is_genuine(vector: dict[str, Any]) -> None:
    proof = StandardWebhooks(secrets=(Secret(vector["key"]),))

    assert proof.verify(call_of(vector), now=at(vector["timestamp"])) == vector["webhook_id"]


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_edges_of_the_window_are_inside(seconds: int) -> None:
    assert PROOF.verify(webhook_call(b"{}"), now=CLOCK + timedelta(seconds=seconds)) == "msg_1"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_stale_or_future_timestamp_is_refused(seconds: int) -> None:
    with pytest.raises(NotGenuine, match="timestamp_stale"):
        PROOF.verify(webhook_call(b"{}"), now=CLOCK + timedelta(seconds=seconds))


def test_the_previous_secret_still_opens() -> None:
    proof = StandardWebhooks(secrets=(Secret("whsec_" + "QUFB" * 8), WEBHOOK_SECRET))

    assert proof.verify(webhook_call(b"{}"), now=CLOCK)


def _other_spelling(call: Call) -> Call:
    """The last base64 letter before the padding, with a bit set that decoding drops."""
    text = call.all(SIGNATURE)[0]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    letter = alphabet[alphabet.index(text[-2]) ^ 1]
    return with_headers(call, (SIGNATURE, f"{text[:-2]}{letter}="))


def _shifted_dot(call: Call) -> Call:
    """Another cut of the same signed bytes: `msg_1.1767225600.{}` read with a dot in the id."""
    stamp = call.all(STAMP)[0]
    return with_headers(with_body(call, call.body), (ID, f"msg_1.{stamp}"), (STAMP, stamp))


MATRIX: dict[str, Callable[[Call], Call]] = {
    "body_bit_flip": lambda call: with_body(call, call.body + b" "),
    "other_id": lambda call: with_headers(call, (ID, "msg_2")),
    "id_with_a_dot": _shifted_dot,
    "other_base64_spelling": _other_spelling,
    "version_v2": lambda call: with_headers(call, (SIGNATURE, "v2" + call.all(SIGNATURE)[0][2:])),
    "too_many": lambda call: with_headers(
        call, (SIGNATURE, "v1,AAAA " * 9 + call.all(SIGNATURE)[0])
    ),
} | {
    f"missing {name}": lambda call, name=name: with_headers(call, (name, None))
    for name in (ID, STAMP, SIGNATURE)
} | {
    f"second {name}": lambda call, name=name: with_headers(call, extra=((name, call.all(name)[0]),))
    for name in (ID, STAMP, SIGNATURE)
} | {
    f"signature {value!r}": lambda call, value=value: with_headers(call, (SIGNATURE, value))
    for value in ("", "v1", "v1,", "v1,a,b", "v1a,AAAA", "sha1=00", "none", "v1,é", "v1,A" * 999)
} | {
    f"timestamp {value!r}": lambda call, value=value: with_headers(call, (STAMP, value))
    for value in ("abc", "", "1e9", "NaN", "-1", str(10**30))
}  # fmt: skip


@pytest.mark.parametrize("mutation", MATRIX.values(), ids=MATRIX.keys())
def test_no_mutation_is_genuine(mutation: Callable[[Call], Call]) -> None:
    with pytest.raises(NotGenuine):
        PROOF.verify(mutation(webhook_call(b"{}")), now=CLOCK)


def test_another_tenants_secret_does_not_open() -> None:
    other = StandardWebhooks(secrets=(Secret("another-tenants-shared-key-0001"),))

    with pytest.raises(NotGenuine, match="signature_wrong"):
        other.verify(webhook_call(b"{}"), now=CLOCK)


def test_without_any_key_nothing_is_genuine() -> None:
    with pytest.raises(NotGenuine):
        StandardWebhooks().verify(webhook_call(b"{}"), now=CLOCK)


def test_an_ed25519_signature_opens_with_its_public_key() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    proof = StandardWebhooks(public_keys=("whpk_" + base64.b64encode(raw).decode(),))
    call = webhook_call(b"{}")
    content = signed_content(id="msg_1", stamp=call.all(STAMP)[0], body=b"{}")
    signature = base64.b64encode(key.sign(content)).decode()

    assert proof.verify(with_headers(call, (SIGNATURE, f"v1a,{signature}")), now=CLOCK) == "msg_1"
    with pytest.raises(NotGenuine):
        proof.verify(with_headers(call, (SIGNATURE, f"v1,{signature}")), now=CLOCK)


@pytest.mark.parametrize("text", ["whsec_not base64", "whsec_QUFB", "whsec_QUFBQ", "short", ""])
def test_a_broken_secret_is_found_at_start_up(text: str) -> None:
    with pytest.raises(Misconfigured):
        StandardWebhooks(secrets=(Secret(text),))


def test_a_broken_public_key_is_found_at_start_up() -> None:
    with pytest.raises(Misconfigured):
        StandardWebhooks(public_keys=("whpk_QUFB",))


@given(body=st.text(st.characters(codec="utf-8"), max_size=200), change=st.integers(0, 9))
def test_the_reference_library_agrees(body: str, change: int) -> None:
    now = datetime.now(UTC)  # noqa: TID251  # the library asks the machine's clock itself
    call = webhook_call(body.encode(), now=now)
    match change:
        case 0:
            call = with_body(call, call.body + b" ")
        case 1:
            call = with_headers(call, (ID, "msg_2"))
        case 2:
            call = with_headers(call, (STAMP, str(int(now.timestamp()) - 1)))
        case 3:
            call = with_headers(call, (SIGNATURE, "v1," + "A" * 43 + "="))
        case 4:
            call = webhook_call(body.encode(), now=now - timedelta(seconds=400))

    assert _ours(call, now=now) == _theirs(call) == (change > 4)


def _ours(call: Call, *, now: datetime) -> bool:
    try:
        PROOF.verify(call, now=now)
    except NotGenuine:
        return False
    return True


def _theirs(call: Call) -> bool:
    headers = {name: call.all(name)[0] for name in (ID, STAMP, SIGNATURE)}
    try:
        Webhook(key_of(WEBHOOK_SECRET)).verify(call.body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True
