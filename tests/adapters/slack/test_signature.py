"""Slack's signature v0: the published vectors, the negative matrix, the vendor's own verifier."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from keylease.adapters.slack.signature import sign, verify
from keylease.domain.secret import Secret
from keylease.errors import NotGenuine
from keylease.ports.doors import Call
from tests.support.doors import (
    CLOCK,
    SLACK_SECRET,
    VECTORS,
    at,
    call_of,
    slack_call,
    with_body,
    with_headers,
)

SLACK = [vector for id_, vector in VECTORS.items() if id_.startswith("slack.")]
STAMP = "x-slack-request-timestamp"
SIGNATURE = "x-slack-signature"


@pytest.mark.parametrize("vector", SLACK, ids=lambda v: v["id"])
def test_every_vector_is_genuine(vector: dict[str, Any]) -> None:
    secret, body = Secret(vector["key"]), vector["body"].encode()

    verify(call_of(vector), secrets=(secret,), now=at(vector["timestamp"]))

    assert sign(secret, stamp=vector["timestamp"], body=body) == vector["expected"]


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_edges_of_the_window_are_inside(seconds: int) -> None:
    verify(slack_call(b"x"), secrets=(SLACK_SECRET,), now=CLOCK + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, -300.5, 300.5, 301])
def test_a_stale_or_future_timestamp_is_refused(seconds: float) -> None:
    with pytest.raises(NotGenuine, match="timestamp_stale"):
        verify(slack_call(b"x"), secrets=(SLACK_SECRET,), now=CLOCK + timedelta(seconds=seconds))


def test_the_previous_secret_still_opens() -> None:
    verify(slack_call(b"x"), secrets=(Secret("new"), SLACK_SECRET), now=CLOCK)


MATRIX: dict[str, Callable[[Call], Call]] = (
    {
        "body_bit_flip": lambda call: with_body(call, call.body + b" "),
        "missing_signature": lambda call: with_headers(call, (SIGNATURE, None)),
        "missing_timestamp": lambda call: with_headers(call, (STAMP, None)),
        "second_signature": lambda call: with_headers(call, extra=((SIGNATURE, "v0=00"),)),
        "second_timestamp": lambda call: with_headers(call, extra=((STAMP, "1767225600"),)),
        "same_timestamp_twice": lambda call: with_headers(
            call, extra=((STAMP, call.all(STAMP)[0]),)
        ),
        "upper_case_hex": lambda call: with_headers(
            call, (SIGNATURE, "v0=" + call.all(SIGNATURE)[0][3:].upper())
        ),
        "wrong_tenant_key": lambda call: with_headers(
            call, (SIGNATURE, sign(Secret("other"), stamp=call.all(STAMP)[0], body=call.body))
        ),
    }
    | {
        f"signature {value!r}": lambda call, value=value: with_headers(call, (SIGNATURE, value))
        for value in (
            "",
            "v0",
            "v0=",
            "v1",
            "sha1=00",
            "none",
            "v2=" + "0" * 64,
            "v0=" + "g" * 64,
            "v0=" + "é" * 64,
            "v0=" + "0" * 5000,
        )
    }
    | {
        f"timestamp {value!r}": lambda call, value=value: with_headers(call, (STAMP, value))
        for value in (
            "abc",
            "",
            "1e9",
            "NaN",
            "-1",
            str(10**30),
            " 1767225600",
            "1767225600\n",
            "\N{FULLWIDTH DIGIT ONE}767225600",
            "+1767225600",
            "1_767_225_600",
            "1767225600.0",
        )
    }
)


@pytest.mark.parametrize("vector", SLACK, ids=lambda v: v["id"])
@pytest.mark.parametrize("mutation", MATRIX.values(), ids=MATRIX.keys())
def test_no_mutation_of_a_vector_is_genuine(
    vector: dict[str, Any], mutation: Callable[[Call], Call]
) -> None:
    with pytest.raises(NotGenuine):
        verify(
            mutation(call_of(vector)),
            secrets=(Secret(vector["key"]),),
            now=at(vector["timestamp"]),
        )


class _Clock:
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


@given(
    body=st.text(st.characters(codec="utf-8")),
    skew=st.integers(-400, 400),
    flip=st.none() | st.integers(0, 70),
)
def test_the_vendors_verifier_agrees(body: str, skew: int, flip: int | None) -> None:
    secret = SLACK_SECRET.reveal()
    now = CLOCK + timedelta(seconds=skew)
    call = slack_call(body.encode())
    if flip is not None:
        text = call.all(SIGNATURE)[0]
        at_ = flip % len(text)
        other = "0" if text[at_] != "0" else "1"
        call = with_headers(call, (SIGNATURE, text[:at_] + other + text[at_ + 1 :]))

    theirs = SignatureVerifier(secret, clock=_Clock(now.timestamp())).is_valid(  # type: ignore[arg-type]  # duck-typed clock
        body=body, timestamp=call.all(STAMP)[0], signature=call.all(SIGNATURE)[0]
    )

    assert _is_genuine(call, now=now) == theirs


def _is_genuine(call: Call, *, now: Any) -> bool:
    try:
        verify(call, secrets=(SLACK_SECRET,), now=now)
    except NotGenuine:
        return False
    return True
