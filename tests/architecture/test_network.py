"""The ground that tests stand on holds: nothing leaves this machine."""

import asyncio
import socket

import aiohttp
import pytest

from tests.support.network import NetworkRefused


def test_connecting_elsewhere_is_refused() -> None:
    with socket.socket() as end, pytest.raises(NetworkRefused, match=r"192\.0\.2\.1"):
        end.connect(("192.0.2.1", 80))


def test_sending_elsewhere_is_refused() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as end,
        pytest.raises(NetworkRefused, match=r"2\.1"),
    ):
        end.sendto(b"?", ("192.0.2.1", 53))


def test_resolving_a_name_is_refused() -> None:
    with pytest.raises(NetworkRefused, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_a_name_that_never_exists_is_said_not_to() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)


async def test_an_async_client_is_refused() -> None:
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(NetworkRefused):
            await session.get("https://example.com/", timeout=aiohttp.ClientTimeout(5))


async def test_loopback_is_open() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
