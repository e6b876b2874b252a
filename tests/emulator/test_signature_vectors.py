"""Recorded signatures of the official client verify, and none of them bends."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from keylease.emulator.refusal import GatewayRefusal
from keylease.emulator.signature import Verifier, canonical_request, parse_authorization
from keylease.emulator.wire import Wire
from keylease.emulator.world import AccessKey, OwnCodes

FILE = Path(__file__).parent.parent / "vectors" / "acs3.json"
Vector = dict[str, Any]
RECORDED: list[Vector] = json.loads(FILE.read_text())
SECRETS = {"testid": "testsecret", "YourAccessKeyId": "YourAccessKeySecret"}
every_vector = pytest.mark.parametrize("vector", RECORDED, ids=lambda row: row["name"][:2])


def target(vector: Vector, *, safe: str) -> str:
    query = urlencode(vector["query"], safe=safe)
    return f"{vector['path']}?{query}" if query else str(vector["path"])


def received(vector: Vector, **changes: Any) -> Wire:  # any part of a request
    headers = {**vector["headers"], "authorization": vector["authorization"]}
    parts = {
        "method": vector["method"],
        "target": target(vector, safe=""),
        "headers": headers.items(),
        "body": (vector["body"] or "").encode(),
        **changes,
    }
    return Wire.received(**parts)


def verifier(vector: Vector, *, drift: timedelta = timedelta()) -> Verifier:
    moment = datetime.fromisoformat(vector["headers"]["x-acs-date"]) + drift
    token = vector["headers"].get("x-acs-security-token")
    keys = {
        name: AccessKey(
            id=name,
            secret=SecretStr(secret),
            security_token=SecretStr(token) if token else None,
        )
        for name, secret in SECRETS.items()
    }
    return Verifier(keys=keys, codes=OwnCodes, now=lambda: moment)


@every_vector
@pytest.mark.parametrize("safe", ["", "@*()!$/:,"])
def test_a_recorded_request_is_genuine_however_its_query_is_escaped(
    vector: Vector, safe: str
) -> None:
    wire = received(vector, target=target(vector, safe=safe))

    assert verifier(vector).caller(wire).id in SECRETS


@every_vector
def test_the_canonical_request_is_the_recorded_one(vector: Vector) -> None:
    wire = received(vector)

    canonical = canonical_request(wire, signed=parse_authorization(wire).signed)

    assert canonical == vector["canonical_request"]


@every_vector
@pytest.mark.parametrize("header", ["host", "x-acs-action", "x-acs-version", "x-acs-date"])
def test_a_changed_header_is_refused(vector: Vector, header: str) -> None:
    date = vector["headers"]["x-acs-date"]
    other = date.replace("5Z", "6Z").replace("2Z", "3Z") if header == "x-acs-date" else "other"
    headers = {**vector["headers"], "authorization": vector["authorization"], header: other}

    with pytest.raises(GatewayRefusal) as refused:
        verifier(vector).caller(received(vector, headers=headers.items()))

    assert refused.value.code == "SignatureDoesNotMatch"


@every_vector
@pytest.mark.parametrize(
    "change",
    [{"body": b"{}"}, {"method": "PUT"}, {"target": "/instances/other"}, {"target": "/?a=b"}],
)
def test_a_changed_request_is_refused(vector: Vector, change: dict[str, Any]) -> None:
    with pytest.raises(GatewayRefusal) as refused:
        verifier(vector).caller(received(vector, **change))

    assert refused.value.code in {"SignatureDoesNotMatch", "IncompleteSignature"}


@every_vector
@pytest.mark.parametrize("minutes", [-16, 16])
def test_an_old_or_early_date_is_refused(vector: Vector, minutes: int) -> None:
    with pytest.raises(GatewayRefusal) as refused:
        verifier(vector, drift=timedelta(minutes=minutes)).caller(received(vector))

    assert refused.value.code == "InvalidTimeStamp.Expired"


@every_vector
def test_a_second_use_of_a_nonce_is_refused(vector: Vector) -> None:
    check = verifier(vector)
    check.caller(received(vector))

    with pytest.raises(GatewayRefusal) as refused:
        check.caller(received(vector))

    assert refused.value.code == "SignatureNonceUsed"


def test_all_recorded_vectors_are_here() -> None:
    names = [row["name"][:2] for row in RECORDED]

    assert names == ["V1", "V2", "V3", "V4", "V5", "V8", "M1", "M2", "M3", "M4", "D1"]
