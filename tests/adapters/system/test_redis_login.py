"""The login probe against a real Redis server, and against what is none."""

import asyncio
import socket

import pytest

from keylease.adapters.system.redis_login import RedisLogin, auth, outcome
from keylease.domain.secret import Secret
from keylease.ports.accounts import Login
from tests.adapters.system.raw_server import raw_server
from tests.support.redis_server import redis_server

PASSWORD = Secret("pass word\r\n$3'\"é")


async def login(port: int, *, username: str = "u", password: Secret = PASSWORD) -> Login:
    probe = RedisLogin(seconds=0.5)
    return await probe(host="127.0.0.1", port=port, username=username, password=password)


async def test_a_real_server_accepts_the_right_password_and_refuses_the_rest() -> None:
    async with redis_server() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        secret = b">" + PASSWORD.reveal().encode()
        parts = [b"ACL", b"SETUSER", b"u", b"on", secret, b"+@read", b"~*"]
        sized = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        writer.write(b"*%d\r\n" % len(parts) + sized)
        assert await reader.readline() == b"+OK\r\n"
        writer.close()

        assert await login(server.port) is Login.ACCEPTED
        assert await login(server.port, password=Secret("wrong")) is Login.REFUSED
        assert await login(server.port, username="nobody") is Login.REFUSED


async def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        assert await login(taken.getsockname()[1]) is Login.UNREACHABLE


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"x" * 10_000])
async def test_a_server_that_is_no_redis_proves_nothing(answer: bytes) -> None:
    async def say(peer: object) -> None:
        await peer.write(answer)  # type: ignore[attr-defined]  # a Peer

    async with raw_server(say) as server:
        assert await login(int(server.url.rpartition(":")[2])) is Login.UNREACHABLE


async def test_a_silent_server_is_given_up() -> None:
    async def wait(peer: object) -> None:
        await peer.reader.read()  # type: ignore[attr-defined]  # a Peer

    async with raw_server(wait) as server:
        assert await login(int(server.url.rpartition(":")[2])) is Login.UNREACHABLE


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"+OK\r\n", Login.ACCEPTED),
        (b"-WRONGPASS invalid username-password pair\r\n", Login.REFUSED),
        (b"-ERR invalid password\r\n", Login.REFUSED),
        (b"-LOADING Redis is loading the dataset in memory\r\n", Login.UNREACHABLE),
        (b"-ERR max number of clients reached\r\n", Login.UNREACHABLE),
        (b"+PONG\r\n", Login.UNREACHABLE),
    ],
)
def test_only_a_verdict_on_the_password_counts(reply: bytes, expected: Login) -> None:
    assert outcome(reply) is expected


def test_the_command_needs_no_quoting() -> None:
    assert auth("ü", Secret("a b")) == b"*3\r\n$4\r\nAUTH\r\n$2\r\n\xc3\xbc\r\n$3\r\na b\r\n"
