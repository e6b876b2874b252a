"""Signature V3 against recorded official signatures, and against the official signer itself."""

import hmac
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest
from hypothesis import given
from hypothesis import strategies as st

from keylease.adapters.alibaba.sign import (
    Call,
    authorization,
    body_hash_of,
    canonical_query,
    canonical_request,
    path_of,
    percent_encoded,
    sign,
    string_to_sign,
)
from keylease.domain.secret import Secret

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "acs3.json").read_text(encoding="utf-8")
)
SECRETS = {"testid": "testsecret", "YourAccessKeyId": "YourAccessKeySecret"}
DATE, NONCE = "2026-01-02T03:04:05Z", "0123456789abcdef0123456789abcdef"


def key_id_of(vector: dict[str, str]) -> str:
    return vector["authorization"].partition("Credential=")[2].partition(",")[0]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_recorded_signature_is_reproduced(vector: dict[str, str]) -> None:
    key_id = key_id_of(vector)

    canonical, names = canonical_request(
        method=vector["method"],
        path=vector["path"],
        query=canonical_query(vector["query"]),  # type: ignore[arg-type]  # a dict in the file
        headers=vector["headers"],  # type: ignore[arg-type]  # a dict in the file
        body_hash=body_hash_of((vector["body"] or "").encode()),
    )

    assert canonical == vector["canonical_request"]
    assert string_to_sign(canonical) == vector["string_to_sign"]
    value = authorization(canonical, names=names, key_id=key_id, secret=Secret(SECRETS[key_id]))
    assert value == vector["authorization"]


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["name"][0] in "MD"],
    ids=[vector["name"] for vector in VECTORS if vector["name"][0] in "MD"],
)
def test_a_whole_call_signs_exactly_the_documented_minimum(vector: dict[str, str]) -> None:
    headers: dict[str, str] = vector["headers"]  # type: ignore[assignment]  # a dict in the file
    token = headers.get("x-acs-security-token")
    key_id = key_id_of(vector)
    call = Call(
        method=vector["method"],
        base=f"https://{headers['host']}",
        action=headers["x-acs-action"],
        version=headers["x-acs-version"],
        path=vector["path"],
        query=vector["query"],  # type: ignore[arg-type]  # a dict in the file
        body=(vector["body"] or "").encode(),
        content_type=headers.get("content-type", ""),
    )

    signed = sign(
        call,
        key_id=key_id,
        secret=Secret(SECRETS[key_id]),
        token=Secret(token) if token else None,
        date=headers["x-acs-date"],
        nonce=headers["x-acs-signature-nonce"],
    )

    assert signed.headers == {
        **headers,
        "authorization": vector["authorization"],
        "accept": "application/json",
    }
    query = vector["canonical_request"].split("\n")[2]
    expected = f"https://{headers['host']}{vector['path']}"
    assert signed.url == (f"{expected}?{query}" if query else expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ""),
        ({"a": ""}, "a="),
        ({"a": None, "b": "1"}, "b=1"),
        ({"b": "2", "a": "1"}, "a=1&b=2"),
        ({"a-b": "1", "a": "2", "ab": "3", "a.b": "4"}, "a=2&a-b=1&a.b=4&ab=3"),
        ({"Tag.10.Key": "x", "Tag.1.Key": "y", "Tag.1": "z"}, "Tag.1=z&Tag.1.Key=y&Tag.10.Key=x"),
        ({"B": "1", "a": "2"}, "B=1&a=2"),
        ({"k": "a b+c*d/e:f@g|h!i'(j)~k"}, "k=a%20b%2Bc%2Ad%2Fe%3Af%40g%7Ch%21i%27%28j%29~k"),
        ({"k": "订单é😀"}, "k=%E8%AE%A2%E5%8D%95%C3%A9%F0%9F%98%80"),
        ({"n": 10, "t": True, "f": False}, "f=False&n=10&t=True"),
        ([("a", "2"), ("a", "1")], "a=1&a=2"),
    ],
)
def test_a_query_is_sorted_by_key_and_encoded(query: dict[str, str], expected: str) -> None:
    assert canonical_query(query) == expected


def test_each_segment_of_a_path_is_encoded_on_its_own() -> None:
    path = path_of("instances", "rmq-1", "accounts", "user@a b|c*d~é/f(1)")

    assert path == "/instances/rmq-1/accounts/user%40a%20b%7Cc%2Ad~%C3%A9%2Ff%281%29"


def test_repeated_headers_are_trimmed_sorted_and_joined() -> None:
    canonical, names = canonical_request(
        method="GET",
        path="",
        query="",
        headers=[("X-Acs-B", " 2 "), ("x-acs-b", "1"), ("Host", "h"), ("x-acs-a", "")],
        body_hash="hash",
    )

    assert canonical == "GET\n/\n\nhost:h\nx-acs-a:\nx-acs-b:1,2\n\nhost;x-acs-a;x-acs-b\nhash"
    assert names == "host;x-acs-a;x-acs-b"


def test_neither_key_nor_token_nor_query_shows_in_a_repr() -> None:
    call = Call(
        "POST", "https://h", action="A", version="V", query={"p": "canary-1"}, body=b"canary"
    )

    signed = sign(
        call, key_id="id", secret=Secret("canary-2"), token=Secret("canary-3"), date=DATE, nonce="n"
    )

    assert "canary" not in repr(call) + repr(signed)


def test_each_signature_is_made_with_its_own_secret() -> None:
    def signature(secret: str) -> str:
        return authorization("canonical", names="host", key_id="id", secret=Secret(secret))

    secrets = ["one", "two", "three", "one", "two", "three"]

    signatures = [signature(secret) for secret in secrets]

    assert signatures[:3] == signatures[3:]
    for secret, found in zip(secrets, signatures, strict=True):
        message = string_to_sign("canonical").encode()
        expected = hmac.digest(secret.encode(), message, "sha256").hex()
        assert found.endswith(f"Signature={expected}")


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
keys = st.text(st.sampled_from("abAB19.-_~"), min_size=1, max_size=6)


@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    segments=st.lists(texts.filter(bool), max_size=4),
    query=st.dictionaries(keys, st.none() | texts, max_size=6),
    body=st.binary(max_size=50),
    token=st.none() | st.text(st.sampled_from("abc+/="), min_size=1),
)
def test_the_official_signer_agrees(
    method: str,
    segments: list[str],
    query: dict[str, str | None],
    body: bytes,
    token: str | None,
) -> None:
    call = Call(
        method=method,
        base="https://h.example",
        action="Do",
        version="2022-08-01",
        path=path_of(*segments),
        query=query,
        body=body,
        content_type="application/json; charset=utf-8",
    )

    signed = sign(
        call,
        key_id="id",
        secret=Secret("secret"),
        token=Secret(token) if token else None,
        date=DATE,
        nonce=NONCE,
    )

    official = DaraRequest()
    official.method, official.pathname, official.query = method, call.path, query
    official.headers = {
        name: value
        for name, value in signed.headers.items()
        if name not in {"authorization", "accept"}
    }
    expected = Utils.get_authorization(
        official, "ACS3-HMAC-SHA256", body_hash_of(body), "id", "secret"
    )
    assert signed.headers["authorization"] == expected


@given(texts)
def test_the_fast_path_of_encoding_changes_nothing(text: str) -> None:
    assert percent_encoded(text) == quote(text, safe="~")
