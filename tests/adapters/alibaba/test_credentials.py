"""Where keys come from, and how they are kept fresh; STS, URI and metadata by the emulator."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from keylease.adapters.alibaba.client import AlibabaClient
from keylease.adapters.alibaba.credentials import (
    CachingCredentials,
    ChainedCredentials,
    Credentials,
    EnvironmentCredentials,
    FunctionComputeCredentials,
    Key,
    StaticCredentials,
)
from keylease.adapters.alibaba.credentials_chain import default_chain
from keylease.adapters.alibaba.credentials_remote import EcsCredentials, UriCredentials
from keylease.adapters.alibaba.credentials_sts import AssumeRoleCredentials, OidcCredentials, Role
from keylease.adapters.alibaba.endpoints import Endpoints
from keylease.adapters.alibaba.rocketmq import RocketMq
from keylease.adapters.system.http import AiohttpHttp
from keylease.domain.secret import Secret
from keylease.emulator.server import Emulator, running
from keylease.errors import Misconfigured, ProviderDenied, ProviderRefused, ProviderTransient
from tests.adapters.alibaba.parts import CountingIds, StandingClock, WallClock, client_over, quick
from tests.support.respx_http import RespxHttp

ENVIRONMENT = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret",
}
ANSWER = {
    "Code": "Success",
    "AccessKeyId": "uri-id",
    "AccessKeySecret": "canary-secret",
    "SecurityToken": "canary-token",
    "Expiration": "2026-01-02T04:04:05Z",
}
URI = "http://127.0.0.1:1/keys"
ROLE = Role(arn="acs:ram::123456789012:role/broker")
PROVIDER_ARN = "acs:ram::123456789012:oidc-provider/ack"


class Counting:
    """A source whose keys live for an hour; it fails and pauses when told."""

    def __init__(self, clock: StandingClock, *, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.asked = 0
        self.failing = False

    async def key(self) -> Key | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failing:
            raise ProviderTransient("test", "NotNow")
        ends = self.clock.now() + self.lifetime
        return Key(id=f"key-{self.asked}", secret=Secret("s"), token=Secret("t"), expires_at=ends)


async def test_the_environment_gives_a_key_with_or_without_a_token() -> None:
    plain = await EnvironmentCredentials(ENVIRONMENT).key()
    with_token = await EnvironmentCredentials(
        {**ENVIRONMENT, "ALIBABA_CLOUD_SECURITY_TOKEN": "tok"}
    ).key()

    assert plain == Key(id="env-id", secret=Secret("env-secret"))
    assert with_token == Key(id="env-id", secret=Secret("env-secret"), token=Secret("tok"))


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
async def test_half_a_key_in_the_environment_is_none(name: str) -> None:
    half = {key: value for key, value in ENVIRONMENT.items() if key != name}

    assert await EnvironmentCredentials(half).key() is None


async def test_function_compute_prefers_the_key_of_the_latest_invocation() -> None:
    source = FunctionComputeCredentials({**ENVIRONMENT, "FC_FUNCTION_NAME": "decide"})
    before = await source.key()

    source.invoked_with(
        {
            "x-fc-access-key-id": "fc-id",
            "x-fc-access-key-secret": "fc-secret",
            "x-fc-security-token": "fc-token",
        }
    )
    source.invoked_with({"x-fc-request-id": "no key in here"})

    assert before == Key(id="env-id", secret=Secret("env-secret"))
    expected = Key(id="fc-id", secret=Secret("fc-secret"), token=Secret("fc-token"))
    assert await source.key() == expected


async def test_function_compute_is_not_configured_elsewhere() -> None:
    assert await FunctionComputeCredentials(ENVIRONMENT).key() is None


async def test_a_key_of_a_newer_invocation_is_used_at_once_behind_the_cache() -> None:
    source = FunctionComputeCredentials({})
    cache = CachingCredentials(source, clock=StandingClock())
    seen = []
    for name in ("one", "two"):
        source.invoked_with({"x-fc-access-key-id": name, "x-fc-access-key-secret": "s"})
        seen.append((await cache.key()).id)

    assert seen == ["one", "two"]


async def test_a_chain_takes_the_first_that_is_configured() -> None:
    chain = ChainedCredentials(
        (EnvironmentCredentials({}), StaticCredentials(Key("second", Secret("s"))))
    )

    key = await chain.key()

    assert key is not None
    assert key.id == "second"


async def test_no_source_at_all_is_a_misconfiguration() -> None:
    cache = CachingCredentials(EnvironmentCredentials({}), clock=StandingClock())

    with pytest.raises(Misconfigured, match="ALIBABA_CLOUD_ACCESS_KEY_ID"):
        await cache.key()


async def test_a_hundred_callers_cause_one_refresh() -> None:
    source = Counting(StandingClock())
    cache = CachingCredentials(source, clock=source.clock)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(cache.key()) for _ in range(100)]

    assert source.asked == 1
    assert {task.result().id for task in tasks} == {"key-1"}


@pytest.mark.parametrize(
    ("lifetime", "fresh_for"),
    [
        (timedelta(hours=6), timedelta(hours=5, minutes=45)),  # 15 minutes early
        (timedelta(hours=1), timedelta(minutes=48)),  # 20 % of an hour early
        (timedelta(minutes=15), timedelta(minutes=12)),  # not on every call
    ],
)
async def test_a_key_is_refreshed_early_and_not_too_early(
    lifetime: timedelta, fresh_for: timedelta
) -> None:
    clock = StandingClock()
    source = Counting(clock, lifetime=lifetime)
    cache = CachingCredentials(source, clock=clock)
    await cache.key()

    clock.at += fresh_for - timedelta(seconds=1)
    just_before = (await cache.key()).id
    clock.pass_(seconds=1)
    from_then_on = (await cache.key()).id

    assert (just_before, from_then_on) == ("key-1", "key-2")


async def test_a_valid_key_outlives_failed_refreshes_and_an_expired_one_does_not() -> None:
    clock = StandingClock()
    source = Counting(clock)
    cache = CachingCredentials(source, clock=clock)
    await cache.key()
    source.failing = True

    clock.pass_(minutes=59)
    still = (await cache.key()).id
    clock.pass_(minutes=1)

    assert still == "key-1"
    with pytest.raises(ProviderTransient):
        await cache.key()


async def test_a_cancelled_refresh_leaves_the_next_caller_free() -> None:
    source = Counting(StandingClock())
    cache = CachingCredentials(source, clock=source.clock)
    task = asyncio.ensure_future(cache.key())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await cache.key()).id == "key-2"


async def test_a_credentials_uri_gives_a_key_with_its_end() -> None:
    http = RespxHttp()
    http.router.get(URI).mock(return_value=httpx.Response(200, json=ANSWER))

    key = await UriCredentials(URI, http=http).key()

    assert key == Key(
        id="uri-id",
        secret=Secret("canary-secret"),
        token=Secret("canary-token"),
        expires_at=datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC),
    )
    assert "canary" not in repr(key)


async def test_no_credentials_uri_is_not_configured() -> None:
    assert await UriCredentials("", http=RespxHttp()).key() is None


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, json={**ANSWER, "Code": "Failed"}), ProviderDenied),
        (httpx.Response(200, json={**ANSWER, "AccessKeySecret": ""}), ProviderDenied),
        (httpx.Response(200, json={**ANSWER, "Expiration": "tomorrow"}), ProviderDenied),
        (httpx.Response(200, text="canary {"), ProviderDenied),
        (httpx.Response(200, json=[]), ProviderDenied),
        (httpx.Response(404, json=ANSWER), ProviderDenied),
        (httpx.Response(503, text=""), ProviderTransient),
    ],
)
async def test_an_unusable_answer_is_refused_without_quoting_it(
    response: httpx.Response, error: type[Exception]
) -> None:
    http = RespxHttp()
    http.router.get(URI).mock(return_value=response)

    with pytest.raises(error) as raised:
        await UriCredentials(URI, http=http).key()

    assert "canary" not in f"{raised.value!r} {raised.value.__context__!r}"


async def test_a_source_that_does_not_answer_may_be_asked_again() -> None:
    http = RespxHttp()
    http.router.get(URI).mock(side_effect=httpx.ConnectError("no"))

    with pytest.raises(ProviderTransient):
        await UriCredentials(URI, http=http).key()


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with running() as emulator:
        yield emulator


@pytest.fixture
async def http() -> AsyncIterator[AiohttpHttp]:
    async with AiohttpHttp() as http:
        yield http


def at(emulator: Emulator) -> Endpoints:
    return Endpoints(given=dict.fromkeys(("rocketmq", "r-kvstore", "sts"), emulator.url))


async def works(source: Credentials, *, emulator: Emulator, http: AiohttpHttp) -> bool:
    """Whether the emulator lets a call in that is signed with the source's key."""
    clock = WallClock()
    client = AlibabaClient(
        http=http,
        credentials=CachingCredentials(source, clock=clock),
        clock=clock,
        ids=CountingIds(prefix=f"{clock.now().timestamp()}-"),
        endpoints=at(emulator),
    )
    topic = await RocketMq(client=client, region="", instance="rmq-cn-demo0001").get_topic("orders")
    return topic.topic_name == "orders"


async def test_a_key_of_the_credentials_uri_signs(emulator: Emulator, http: AiohttpHttp) -> None:
    source = UriCredentials(f"{emulator.url}/_emulator/credentials", http=http)

    assert await works(source, emulator=emulator, http=http)


@pytest.mark.parametrize("requires_token", [True, False])
@pytest.mark.parametrize("role", ["", "keylease-demo"])
async def test_a_key_of_the_metadata_service_signs(
    emulator: Emulator, http: AiohttpHttp, requires_token: bool, role: str
) -> None:
    settings = emulator.world.settings
    emulator.world.settings = settings.model_copy(update={"imds_requires_token": requires_token})
    source = EcsCredentials(http=http, base=emulator.url, role=role)

    assert await works(source, emulator=emulator, http=http)


async def test_metadata_without_tokens_is_used_only_when_allowed() -> None:
    http = RespxHttp()
    roles = "http://100.100.100.200/latest/meta-data/ram/security-credentials/"
    http.router.put("http://100.100.100.200/latest/api/token").mock(
        return_value=httpx.Response(404)
    )
    http.router.get(roles).mock(return_value=httpx.Response(200, text="my-role"))
    http.router.get(f"{roles}my-role").mock(return_value=httpx.Response(200, json=ANSWER))

    allowed = await EcsCredentials(http=http).key()

    assert allowed is not None
    assert allowed.id == "uri-id"
    with pytest.raises(ProviderDenied, match="TokenRefused"):
        await EcsCredentials(http=http, is_v1_allowed=False).key()


async def test_metadata_that_is_switched_off_is_not_asked() -> None:
    http = RespxHttp()

    assert await EcsCredentials(http=http, is_disabled=True).key() is None
    assert http.sent == []


async def test_an_assumed_role_signs_and_its_call_was_signed_itself(
    emulator: Emulator, http: AiohttpHttp
) -> None:
    ids = CountingIds(prefix="sts-")
    client = client_over(http, endpoints=at(emulator), clock=WallClock(), ids=ids)
    source = AssumeRoleCredentials(client=client, role=ROLE)

    key = await source.key()

    assert key is not None
    assert (key.token, key.expires_at) != (None, None)
    assert await works(source, emulator=emulator, http=http)


async def test_a_role_that_may_not_be_assumed_says_so(
    emulator: Emulator, http: AiohttpHttp
) -> None:
    wrong = Key(id="testid", secret=Secret("wrong"))
    client = client_over(http, key=wrong, endpoints=at(emulator), clock=WallClock())

    with pytest.raises(ProviderDenied, match="SignatureDoesNotMatch"):
        await AssumeRoleCredentials(client=client, role=ROLE).key()


def oidc(http: AiohttpHttp | RespxHttp, emulator: Emulator | None, path: Path) -> OidcCredentials:
    return OidcCredentials(
        http=http,
        clock=WallClock(),
        ids=CountingIds(),
        role=ROLE,
        provider_arn=PROVIDER_ARN,
        token_file=str(path),
        endpoints=at(emulator) if emulator else Endpoints(),
    )


async def test_a_pods_token_is_exchanged_for_a_key_that_signs(
    emulator: Emulator, http: AiohttpHttp, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("eyJhbGciOi.x.y\n")

    assert await works(oidc(http, emulator, token), emulator=emulator, http=http)


async def test_the_token_file_is_read_at_every_refresh_and_sent_unsigned(tmp_path: Path) -> None:
    http = RespxHttp()
    session = {name: value for name, value in ANSWER.items() if name != "Code"}
    http.router.post().mock(
        return_value=httpx.Response(200, json={"RequestId": "R", "Credentials": session})
    )
    file = tmp_path / "token"
    source = oidc(http, None, file)

    for token in ("first", "second"):
        file.write_text(token)
        await source.key()

    queries = [httpx.URL(request.url).params for request in http.sent]
    assert [query["OIDCToken"] for query in queries] == ["first", "second"]
    assert queries[0]["Action"] == "AssumeRoleWithOIDC"
    assert queries[0]["OIDCProviderArn"] == PROVIDER_ARN
    assert "authorization" not in http.sent[0].headers


async def test_a_token_file_that_is_not_there_is_a_misconfiguration(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="OIDC token file"):
        await oidc(RespxHttp(), None, tmp_path / "nothing").key()


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (
            httpx.Response(400, json={"Code": "AuthenticationFail.OIDCToken.Invalid"}),
            ProviderRefused,
        ),
        (httpx.Response(500, text=""), ProviderTransient),
        (httpx.Response(200, text="canary"), ProviderTransient),
    ],
)
async def test_an_exchange_that_fails_says_how(
    response: httpx.Response, error: type[Exception], tmp_path: Path
) -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=response)
    file = tmp_path / "token"
    file.write_text("token")

    with pytest.raises(error):
        await oidc(http, None, file).key()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({**ENVIRONMENT, "ALIBABA_CLOUD_CREDENTIALS_URI": URI}, "env-id"),
        ({"ALIBABA_CLOUD_CREDENTIALS_URI": URI}, "uri-id"),
        ({}, "ecs-id"),
        ({"ALIBABA_CLOUD_ECS_METADATA": "my-role"}, "ecs-id"),
    ],
)
async def test_the_default_chain_takes_what_is_nearest(
    environment: dict[str, str], expected: str
) -> None:
    http = RespxHttp()
    base = "http://100.100.100.200/latest"
    roles = f"{base}/meta-data/ram/security-credentials/"
    http.router.get(URI).mock(return_value=httpx.Response(200, json=ANSWER))
    http.router.put(f"{base}/api/token").mock(return_value=httpx.Response(200, text="tok"))
    http.router.get(roles).mock(return_value=httpx.Response(200, text="my-role"))
    http.router.get(f"{roles}my-role").mock(
        return_value=httpx.Response(200, json={**ANSWER, "AccessKeyId": "ecs-id"})
    )

    key = await default_chain(
        environment, http=http, clock=StandingClock(), ids=CountingIds()
    ).key()

    assert key is not None
    assert key.id == expected


async def test_the_default_chain_is_empty_where_everything_is_off() -> None:
    chain = default_chain(
        {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"},
        http=RespxHttp(),
        clock=StandingClock(),
        ids=CountingIds(),
    )

    assert await chain.key() is None


async def test_a_token_goes_out_signed() -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=httpx.Response(404, json={"Code": "Topic.NotFound"}))
    key = Key(id="id", secret=Secret("s"), token=Secret("tok+/="))
    client = client_over(http, key=key, limits=quick())

    with pytest.raises(Exception, match=r"Topic\.NotFound"):
        await RocketMq(client=client, region="cn-hangzhou", instance="i").get_topic("t")

    headers = http.sent[0].headers
    assert headers["x-acs-security-token"] == "tok+/="
    assert ";x-acs-security-token;" in headers["authorization"]
