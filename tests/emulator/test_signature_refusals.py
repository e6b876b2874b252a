"""What the gateway refuses, each with its documented code: over HTTP, from a signer by hand."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from keylease.emulator import Emulator, default_world, running
from keylease.emulator.clock import wall_clock
from keylease.emulator.world import AccessKey
from tests.emulator.raw import Raw, exchange, send
from tests.emulator.sdk import INSTANCE, PASSWORD, REDIS, Mode, code_of, official_sdk

READ = Raw.kvstore("DescribeAccounts", InstanceId=REDIS)
WRITE = Raw.rocketmq(
    "CreateInstanceAccount",
    "POST",
    "instances",
    INSTANCE,
    "accounts",
    document={"username": "app", "password": PASSWORD},
)
MISMATCH = (400, "SignatureDoesNotMatch")
INCOMPLETE = (400, "IncompleteSignature")
Headers = dict[str, str]


def authority(emulator: Emulator) -> str:
    return emulator.url.removeprefix("http://")


async def test_a_wrong_secret(emulator: Emulator) -> None:
    reply = await send(emulator.url, READ.changed(secret="other"))

    assert reply.code == MISMATCH


async def test_an_unknown_key(emulator: Emulator) -> None:
    reply = await send(emulator.url, READ.changed(key_id="nobody"))

    assert reply.code == (404, "InvalidAccessKeyId.NotFound")


async def test_gateway_refusals_of_rocketmq_are_upper_camel(emulator: Emulator) -> None:
    reply = await send(emulator.url, WRITE.changed(secret="other"))

    assert reply.code == MISMATCH
    assert set(reply.body) == {"RequestId", "HostId", "Code", "Message"}


async def test_a_changed_body(emulator: Emulator) -> None:
    reply = await send(emulator.url, WRITE, body=WRITE.body.replace(b"app", b"apq"))

    assert reply.code == MISMATCH


async def test_a_body_under_the_hash_of_another(emulator: Emulator) -> None:
    headers = {**WRITE.headers, "x-acs-content-sha256": "0" * 64}

    reply = await send(emulator.url, WRITE.changed(headers=headers))

    assert reply.code == MISMATCH


async def test_a_changed_query(emulator: Emulator) -> None:
    headers = READ.signed_headers(authority(emulator))

    reply = await exchange(f"{emulator.url}/?InstanceId=r-other", method="POST", headers=headers)

    assert reply.code == MISMATCH


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        (timedelta(minutes=-16), (400, "InvalidTimeStamp.Expired")),
        (timedelta(minutes=16), (400, "InvalidTimeStamp.Expired")),
        (timedelta(minutes=-14), (200, None)),
        (timedelta(minutes=14), (200, None)),
    ],
)
async def test_the_clock_may_be_fifteen_minutes_off(
    emulator: Emulator, drift: timedelta, expected: tuple[int, str | None]
) -> None:
    date = (wall_clock() + drift).strftime("%Y-%m-%dT%H:%M:%SZ")

    reply = await send(emulator.url, READ.changed(headers={"x-acs-date": date}))

    assert reply.code == expected


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:05.1Z",
        "٢٠٢٦-01-02T03:04:05Z",
    ],
)
async def test_a_date_that_is_none(emulator: Emulator, date: str) -> None:
    reply = await send(emulator.url, READ.changed(headers={"x-acs-date": date}))

    assert reply.code == (400, "InvalidTimeStamp.Format")


async def test_a_reused_nonce(emulator: Emulator) -> None:
    headers = READ.signed_headers(authority(emulator))

    first = await exchange(emulator.url + READ.target, method="POST", headers=headers)
    second = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert (first.status, second.code) == (200, (400, "SignatureNonceUsed"))


async def test_a_refused_request_does_not_spend_its_nonce(emulator: Emulator) -> None:
    nonce = {"x-acs-signature-nonce": "once"}

    refused = await send(emulator.url, READ.changed(secret="other", headers=nonce))
    accepted = await send(emulator.url, READ.changed(headers=nonce))

    assert (refused.code, accepted.status) == (MISMATCH, 200)


async def test_a_nonce_is_kept_as_long_as_its_date_holds(emulator: Emulator) -> None:
    early = (emulator.clock.now() + timedelta(minutes=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = READ.changed(headers={"x-acs-date": early, "x-acs-signature-nonce": "once"})
    first = await send(emulator.url, raw)

    emulator.clock.advance(timedelta(minutes=28))
    replayed = await send(emulator.url, raw)

    assert (first.status, replayed.code) == (200, (400, "SignatureNonceUsed"))


async def test_a_nonce_may_return_when_its_date_could_not(emulator: Emulator) -> None:
    nonce = {"x-acs-signature-nonce": "once"}
    await send(emulator.url, READ.changed(headers=nonce))
    emulator.clock.advance(timedelta(minutes=31))

    later = emulator.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    reply = await send(emulator.url, READ.changed(headers={**nonce, "x-acs-date": later}))

    assert reply.status == 200


@pytest.mark.parametrize(
    "header",
    [
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    ],
)
async def test_a_required_header_that_is_not_signed(emulator: Emulator, header: str) -> None:
    raw = READ.changed(without=frozenset({header}))
    whole = READ.signed_headers(authority(emulator))
    headers = {**whole, **raw.signed_headers(authority(emulator))}

    reply = await exchange(emulator.url + raw.target, method="POST", headers=headers)

    assert reply.code == INCOMPLETE


async def test_an_unsigned_acs_header(emulator: Emulator) -> None:
    headers = {**READ.signed_headers(authority(emulator)), "x-acs-extra": "1"}

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.code == INCOMPLETE


async def test_a_signed_header_that_was_not_sent(emulator: Emulator) -> None:
    headers = READ.changed(headers={"x-acs-extra": "1"}).signed_headers(authority(emulator))
    del headers["x-acs-extra"]

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.code == INCOMPLETE


async def test_a_body_whose_type_is_not_signed(emulator: Emulator) -> None:
    raw = WRITE.changed(headers={})
    headers = {**raw.signed_headers(authority(emulator)), "content-type": "application/json"}

    reply = await exchange(emulator.url + raw.target, method="POST", headers=headers, body=raw.body)

    assert reply.code == INCOMPLETE


async def test_headers_that_a_transport_adds_are_ignored(emulator: Emulator) -> None:
    headers = {
        **READ.signed_headers(authority(emulator)),
        "accept-encoding": "gzip",
        "content-type": "application/octet-stream",
    }

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.status == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "Bearer abc",
        lambda good: good.replace("ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"),
        lambda good: good.replace("Credential=testid,", ""),
        lambda good: good.replace(",Signature=", ", Signature="),
        lambda good: good.upper(),
        lambda good: good[:-1],
        lambda good: good + "0",
        lambda good: good.replace("SignedHeaders=host", "SignedHeaders=host;host"),
        lambda good: f"{good},{good}",
    ],
)
async def test_a_malformed_authorization(emulator: Emulator, spoil: Callable[[str], str]) -> None:
    headers = READ.signed_headers(authority(emulator))
    headers["authorization"] = spoil(headers["authorization"])

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.code == INCOMPLETE


async def test_no_authorization(emulator: Emulator) -> None:
    headers = READ.signed_headers(authority(emulator))
    del headers["authorization"]

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.code == INCOMPLETE


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("authorization", INCOMPLETE),
        ("x-acs-date", (400, "InvalidTimeStamp.Format")),
        ("x-acs-signature-nonce", MISMATCH),
        ("x-acs-action", (404, "InvalidApi.NotFound")),
    ],
)
async def test_a_header_sent_twice(
    emulator: Emulator, header: str, expected: tuple[int, str]
) -> None:
    headers = CIMultiDict(READ.signed_headers(authority(emulator)))
    headers.add(header, headers[header])

    reply = await exchange(emulator.url + READ.target, method="POST", headers=headers)

    assert reply.code == expected


async def test_a_disabled_key() -> None:
    key = AccessKey(id="testid", secret=SecretStr("testsecret"), active=False)
    world = default_world().model_copy(update={"access_keys": (key,)})
    async with running(world=world) as emulator:
        reply = await send(emulator.url, READ)

    assert reply.code == (400, "InvalidAccessKeyId.Inactive")


TOKEN = "CAISts+token/Example=="


async def token_worlds() -> AsyncIterator[Emulator]:
    key = AccessKey(id="testid", secret=SecretStr("testsecret"), security_token=SecretStr(TOKEN))
    async with running(world=default_world().model_copy(update={"access_keys": (key,)})) as one:
        yield one


tokened = pytest.fixture(token_worlds)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-acs-security-token": TOKEN}, (200, None)),
        ({}, (400, "MissingSecurityToken")),
        (
            {"x-acs-security-token": "other"},
            (400, "InvalidSecurityToken.MismatchWithAccessKey"),
        ),
    ],
)
async def test_a_key_that_needs_its_token(
    tokened: Emulator, headers: Headers, expected: tuple[int, str | None]
) -> None:
    assert (await send(tokened.url, READ.changed(headers=headers))).code == expected


async def test_a_token_for_a_key_that_has_none(emulator: Emulator) -> None:
    reply = await send(emulator.url, READ.changed(headers={"x-acs-security-token": TOKEN}))

    assert reply.code == (400, "InvalidSecurityToken.MismatchWithAccessKey")


async def test_the_official_sdk_signs_with_a_token(tokened: Emulator, mode: Mode) -> None:
    with_token = official_sdk(tokened.url, mode=mode, security_token=TOKEN)
    without = official_sdk(tokened.url, mode=mode)

    shown = await with_token.rocketmq("get_instance", INSTANCE)

    assert shown["success"] is True
    assert await code_of(without.rocketmq("get_instance", INSTANCE)) == (
        400,
        "MissingSecurityToken",
    )
