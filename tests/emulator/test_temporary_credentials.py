"""STS, the credentials URI and the metadata look-alike issue keys that then sign."""

from datetime import timedelta
from typing import Any

import pytest
from alibabacloud_credentials.provider.uri import URLCredentialsProvider

from keylease.emulator import Emulator, default_world, running
from tests.emulator.raw import Raw, Reply, exchange, send
from tests.emulator.sdk import INSTANCE, Mode, Sdk, official_sdk

ROLE = "acs:ram::123456789012:role/broker"
PROVIDER = "acs:ram::123456789012:oidc-provider/ack"
ROLES_URL = "/latest/meta-data/ram/security-credentials/"
STS_VERSION = "2015-04-01"


def sts(action: str, **query: str) -> Raw:
    return Raw(action=action, version=STS_VERSION, query=query)


def signed_with(emulator: Emulator, credentials: dict[str, Any], *, mode: Mode = "async") -> Sdk:
    return official_sdk(
        emulator.url,
        mode=mode,
        key_id=credentials["AccessKeyId"],
        secret=credentials["AccessKeySecret"],
        security_token=credentials["SecurityToken"],
    )


async def assumed(emulator: Emulator, **more: str) -> Reply:
    request = sts("AssumeRole", RoleArn=ROLE, RoleSessionName="broker", **more)
    return await send(emulator.url, request)


async def identity_of(emulator: Emulator, key: dict[str, Any]) -> Reply:
    """Signed at the emulator's time, wherever a test has moved it."""
    headers = {
        "x-acs-security-token": key["SecurityToken"],
        "x-acs-date": emulator.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    request = sts("GetCallerIdentity").changed(
        key_id=key["AccessKeyId"], secret=key["AccessKeySecret"], headers=headers
    )
    return await send(emulator.url, request)


async def anonymous(emulator: Emulator, **changes: str) -> Reply:
    """As the official client sends it: everything in the query, nothing signed."""
    query = {
        "Action": "AssumeRoleWithOIDC",
        "Format": "json",
        "Version": STS_VERSION,
        "Timestamp": "2026-01-02T03:04:05Z",
        "SignatureNonce": "n",
        "RoleArn": ROLE,
        "OIDCProviderArn": PROVIDER,
        "OIDCToken": "eyJhbGciOi.x.y",
        "RoleSessionName": "broker",
        **changes,
    }
    raw = Raw(action="", version="", query={name: value for name, value in query.items() if value})
    return await exchange(emulator.url + raw.target, method="POST")


async def test_the_official_sdk_signs_with_an_assumed_role(emulator: Emulator, mode: Mode) -> None:
    reply = await assumed(emulator)
    sdk = signed_with(emulator, reply.body["Credentials"], mode=mode)

    assert (await sdk.rocketmq("get_instance", INSTANCE))["success"] is True


async def test_an_assumed_role_expires(emulator: Emulator) -> None:
    reply = await assumed(emulator, DurationSeconds="900")

    emulator.clock.advance(timedelta(seconds=899))
    still = await identity_of(emulator, reply.body["Credentials"])
    emulator.clock.advance(timedelta(seconds=1))
    expired = await identity_of(emulator, reply.body["Credentials"])

    assert still.status == 200
    assert expired.code == (400, "InvalidSecurityToken.Expired")


async def test_an_assumed_role_says_who_it_is(emulator: Emulator) -> None:
    reply = await assumed(emulator)

    identity = await identity_of(emulator, reply.body["Credentials"])

    assert identity.body["Arn"] == "acs:ram::123456789012:assumed-role/broker/broker"
    assert identity.body["IdentityType"] == "AssumedRoleUser"
    assert reply.body["AssumedRoleUser"]["Arn"] == identity.body["Arn"]


async def test_a_long_lived_key_says_who_it_is(emulator: Emulator) -> None:
    identity = await send(emulator.url, sts("GetCallerIdentity"))

    assert identity.body["Arn"] == "acs:ram::123456789012:user/keylease"
    assert identity.body["AccountId"] == "123456789012"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RoleArn": "broker"}, "InvalidParameter.RoleArn"),
        ({"RoleSessionName": "a"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "a b"}, "InvalidParameter.RoleSessionName"),
        ({"DurationSeconds": "899"}, "InvalidParameter"),
        ({"DurationSeconds": "forever"}, "InvalidParameter"),
    ],
)
async def test_a_role_that_cannot_be_assumed_so(
    emulator: Emulator, change: dict[str, str], code: str
) -> None:
    query = {"RoleArn": ROLE, "RoleSessionName": "broker", **change}

    assert (await send(emulator.url, sts("AssumeRole", **query))).code == (400, code)


async def test_a_world_may_name_the_roles_there_are() -> None:
    world = default_world().model_copy(update={"roles": ("acs:ram::1:role/other",)})
    async with running(world=world) as emulator:
        reply = await assumed(emulator)

    assert reply.code == (404, "EntityNotExist.Role")


async def test_an_oidc_token_needs_no_signature(emulator: Emulator) -> None:
    reply = await anonymous(emulator)

    sdk = signed_with(emulator, reply.body["Credentials"])
    assert (await sdk.rocketmq("get_instance", INSTANCE))["success"] is True


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"OIDCToken": ""}, "MissingOIDCToken"),
        ({"OIDCToken": "abc"}, "InvalidParameter.OIDCToken"),
        ({"OIDCProviderArn": "ack"}, "InvalidParameter.OIDCProviderArn"),
        ({"RoleArn": ""}, "MissingRoleArn"),
    ],
)
async def test_an_oidc_request_that_is_wrong(
    emulator: Emulator, change: dict[str, str], code: str
) -> None:
    assert (await anonymous(emulator, **change)).code == (400, code)


async def test_nothing_else_is_anonymous(emulator: Emulator) -> None:
    reply = await anonymous(emulator, Action="AssumeRole")

    assert reply.code == (400, "IncompleteSignature")


async def test_the_official_credentials_uri_provider_works(emulator: Emulator) -> None:
    provider = URLCredentialsProvider(uri=f"{emulator.url}/_emulator/credentials")

    key = await provider.get_credentials_async()
    sdk = official_sdk(
        emulator.url,
        mode="async",
        key_id=key.get_access_key_id(),
        secret=key.get_access_key_secret(),
        security_token=key.get_security_token(),
    )

    assert (await sdk.rocketmq("get_instance", INSTANCE))["success"] is True


async def test_the_metadata_service_gives_credentials_for_a_token(emulator: Emulator) -> None:
    emulator.world.change(imds_requires_token=True)
    ttl = {"X-aliyun-ecs-metadata-token-ttl-seconds": "21600"}

    token = await exchange(f"{emulator.url}/latest/api/token", method="PUT", headers=ttl)
    header = {"X-aliyun-ecs-metadata-token": token.body}
    role = await exchange(emulator.url + ROLES_URL, headers=header)
    reply = await exchange(emulator.url + ROLES_URL + role.body, headers=header)
    without = await exchange(emulator.url + ROLES_URL)
    other = await exchange(emulator.url + ROLES_URL + "other", headers=header)
    emulator.clock.advance(timedelta(hours=6))
    late = await exchange(emulator.url + ROLES_URL, headers=header)

    assert (role.body, reply.body["Code"]) == ("keylease-demo", "Success")
    assert [without.status, other.status, late.status] == [401, 404, 401]


async def test_an_unknown_metadata_token_is_refused(emulator: Emulator) -> None:
    header = {"X-aliyun-ecs-metadata-token": "invented"}

    assert (await exchange(emulator.url + ROLES_URL, headers=header)).status == 401


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "x"])
async def test_a_metadata_token_needs_a_lifetime(emulator: Emulator, ttl: str) -> None:
    header = {"X-aliyun-ecs-metadata-token-ttl-seconds": ttl}
    reply = await exchange(f"{emulator.url}/latest/api/token", method="PUT", headers=header)

    assert reply.status == 400
