"""With a Redis server behind it, an emulated account truly logs in, and later not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from keylease.emulator import Emulator, default_world, running
from keylease.emulator.clock import wall_clock
from keylease.emulator.world import RedisAccount, RedisInstance, Settings
from keylease.errors import Misconfigured
from tests.emulator.sdk import PASSWORD, REDIS, Sdk, official_sdk, redis_status
from tests.support.redis_server import RedisServer, redis_server

SETTLING = timedelta(seconds=1)
OTHER = "Bb2_newPass+x=1"
APP = {"instance_id": REDIS, "account_name": "app1"}
HELD = Settings(redis_settles_after=SETTLING, redis_removes_after=SETTLING)


async def servers() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server


server = pytest.fixture(servers)


async def mirrors(server: RedisServer) -> AsyncIterator[Emulator]:
    world = default_world().model_copy(update={"settings": HELD})
    started_at = wall_clock()
    async with running(world=world, redis_url=server.url, clock=lambda: started_at) as emulator:
        yield emulator


mirror = pytest.fixture(mirrors)


@pytest.fixture
def client(mirror: Emulator) -> Sdk:
    return official_sdk(mirror.url, mode="async")


def login(server: RedisServer, *, name: str = "app1", password: str = PASSWORD) -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis(port=server.port, username=name, password=password, retry=once)


async def run(session: redis.Redis, command: str) -> None:
    await session.execute_command(*command.split())  # type: ignore[no-untyped-call]  # theirs


async def create(client: Sdk, mirror: Emulator, privilege: str = "RoleReadWrite") -> None:
    await client.kvstore(
        "create_account", **APP, account_password=PASSWORD, account_privilege=privilege
    )
    await settle(client, mirror)


async def settle(client: Sdk, mirror: Emulator) -> None:
    mirror.clock.advance(SETTLING)
    await redis_status(client, "app1")


async def test_an_account_logs_in_only_when_it_is_available(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await client.kvstore("create_account", **APP, account_password=PASSWORD)
    async with login(server) as early:
        with pytest.raises(AuthenticationError):
            await early.ping()

    await settle(client, mirror)

    async with login(server) as later:
        assert await later.ping() is True


async def test_read_write_reads_and_writes_and_never_administers(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await create(client, mirror)

    async with login(server) as session:
        await session.set("order:1", "paid")

        assert await session.get("order:1") == b"paid"
        for forbidden in ("FLUSHALL", "CONFIG GET *", "ACL LIST", "SHUTDOWN NOSAVE", "KEYS *"):
            with pytest.raises(NoPermissionError):
                await run(session, forbidden)


async def test_read_only_reads(server: RedisServer, mirror: Emulator, client: Sdk) -> None:
    async with redis.Redis(port=server.port) as admin:
        await admin.set("order:1", "paid")
    await create(client, mirror, "RoleReadOnly")

    async with login(server) as session:
        assert await session.get("order:1") == b"paid"
        for forbidden in ("SET order:1 x", "DEL order:1", "PUBLISH a b", "ACL LIST", "FLUSHALL"):
            with pytest.raises(NoPermissionError):
                await run(session, forbidden)


async def test_a_granted_privilege_replaces_the_one_before(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await create(client, mirror)
    await client.kvstore("grant_account_privilege", **APP, account_privilege="RoleReadOnly")
    await settle(client, mirror)

    async with login(server) as session:
        assert await session.get("order:1") is None
        with pytest.raises(NoPermissionError):
            await session.set("order:1", "x")


async def test_a_reset_password_replaces_the_one_before(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await create(client, mirror)
    await client.kvstore("reset_account_password", **APP, account_password=OTHER)
    await settle(client, mirror)

    async with login(server, password=OTHER) as session:
        assert await session.ping() is True
    async with login(server) as old:
        with pytest.raises(AuthenticationError):
            await old.ping()


async def test_a_deleted_account_loses_its_open_connections(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await create(client, mirror)
    async with login(server) as session:
        await session.ping()
        await client.kvstore("delete_account", **APP)
        await settle(client, mirror)

        with pytest.raises(RedisError):
            await session.ping()


async def test_an_account_becomes_real_although_nobody_asks(server: RedisServer) -> None:
    async with running(redis_url=server.url) as emulator, redis.Redis(port=server.port) as admin:
        client = official_sdk(emulator.url, mode="async")
        await client.kvstore("create_account", **APP, account_password=PASSWORD)

        async with asyncio.timeout(5):
            while "app1" not in await admin.acl_users():  # noqa: ASYNC110  # a server only answers
                await asyncio.sleep(0.02)

        async with login(server) as session:
            assert await session.ping()


async def test_built_in_accounts_stay_the_servers_own(
    server: RedisServer, mirror: Emulator, client: Sdk
) -> None:
    await client.kvstore(
        "reset_account_password", instance_id=REDIS, account_name="default", account_password=OTHER
    )
    await settle(client, mirror)

    async with redis.Redis(port=server.port) as admin:
        assert await admin.ping() is True


async def test_the_instance_says_where_the_server_is(server: RedisServer, client: Sdk) -> None:
    body = await client.kvstore("describe_instance_attribute", instance_id=REDIS)

    [instance] = body["Instances"]["DBInstanceAttribute"]
    assert (instance["ConnectionDomain"], instance["Port"]) == ("127.0.0.1", server.port)


async def test_accounts_of_a_world_are_real_from_the_start_and_gone_at_the_end(
    server: RedisServer,
) -> None:
    account = RedisAccount.model_validate({"name": "svc1", "password": PASSWORD})
    instance = RedisInstance(id=REDIS, accounts=(account,))
    world = default_world().model_copy(update={"redis": (instance,)})

    async with (
        running(world=world, redis_url=server.url),
        login(server, name="svc1") as session,
    ):
        assert await session.ping() is True

    async with redis.Redis(port=server.port) as admin:
        assert await admin.acl_users() == ["default"]


async def test_an_account_stays_unavailable_while_the_server_is_away() -> None:
    world = default_world().model_copy(update={"settings": HELD})
    async with redis_server() as server:
        away = running(world=world, redis_url=server.url)
        emulator = await away.__aenter__()
    client = official_sdk(emulator.url, mode="async")

    await client.kvstore("create_account", **APP, account_password=PASSWORD)
    await settle(client, emulator)
    status = await redis_status(client, "app1")
    await away.__aexit__(None, None, None)

    assert status == "Unavailable"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "http://127.0.0.1", "nonsense"])
async def test_a_server_that_cannot_be_used_stops_the_start(url: str) -> None:
    with pytest.raises(Misconfigured, match="give redis://"):
        async with running(redis_url=url):
            pytest.fail("it started")


async def test_a_server_with_a_password_is_mirrored_too(server: RedisServer) -> None:
    async with redis.Redis(port=server.port) as admin:
        await admin.config_set("requirepass", "top secret")
    url = f"redis://:top%20secret@127.0.0.1:{server.port}"

    async with running(redis_url=url) as emulator:
        client = official_sdk(emulator.url, mode="async")
        await create(client, emulator)

        async with login(server) as session:
            assert await session.ping() is True
