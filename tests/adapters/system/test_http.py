"""The aiohttp adapter against servers that misbehave byte by byte."""

import asyncio
import gzip
import socket

import pytest

from keylease.adapters.system.egress import PublicOnly, UnsafeLoopbackEgress, is_public
from keylease.adapters.system.http import AiohttpHttp
from keylease.errors import InvariantBroken
from keylease.ports.http import HttpNotSent, HttpOutcomeUnknown, HttpRequest
from tests.adapters.system.raw_server import OK, Script, answering, hang, raw_server

CANARY = "canary-9f2c"


def get(url: str, *, timeout: float = 5.0) -> HttpRequest:
    return HttpRequest(method="GET", url=url, timeout=timeout)


async def failure_of(script: Script, *, timeout: float = 5.0) -> Exception:  # noqa: ASYNC109  # same
    async with raw_server(script) as server, AiohttpHttp(max_body=1000) as http:
        with pytest.raises(Exception) as raised:  # noqa: PT011  # the caller looks at the class
            await http.send(get(f"{server.url}/?p={CANARY}", timeout=timeout))
    assert server.requests
    return raised.value


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        port = taken.getsockname()[1]

        async with AiohttpHttp() as http:
            with pytest.raises(HttpNotSent):
                await http.send(get(f"http://127.0.0.1:{port}/"))


async def test_a_name_that_does_not_resolve_was_not_sent() -> None:
    async with AiohttpHttp() as http:
        with pytest.raises(HttpNotSent):
            await http.send(get("http://no-such-host.invalid/"))


async def test_a_connect_that_hangs_was_not_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))

        async with AiohttpHttp(connect_timeout=0.2) as http:
            with pytest.raises(HttpNotSent):
                await http.send(get(f"http://127.0.0.1:{port}/", timeout=2.0))

        for filler in fillers:
            filler.close()


async def test_a_tls_handshake_with_a_server_that_speaks_none_was_not_sent() -> None:
    async def babble(peer: object) -> None:
        await peer.write(b"220 mail.example ESMTP\r\n")  # type: ignore[attr-defined]  # a Peer

    async with raw_server(babble) as server, AiohttpHttp() as http:
        with pytest.raises(HttpNotSent):
            await http.send(get(server.url.replace("http://", "https://")))


async def test_a_full_pool_is_waited_for_and_then_not_sent() -> None:
    async with raw_server(hang) as server, AiohttpHttp(pool=1, connect_timeout=0.2) as http:
        hanging = asyncio.ensure_future(http.send(get(server.url, timeout=30)))
        await server.was_asked.wait()

        with pytest.raises(HttpNotSent):
            await http.send(get(server.url))

        hanging.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nonl",
        b"\x16\x03\x01 this is not HTTP\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n"
        + b"x" * 2000
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 22\r\n\r\n"
        + gzip.compress(b"ok"),
    ],
    ids=[
        "drop-after-reading",
        "drop-mid-body",
        "drop-mid-chunk",
        "garbage",
        "bad-status",
        "oversize",
        "oversize-chunked",
        "encoded-unasked",
    ],
)
async def test_after_the_request_was_read_every_fault_leaves_the_outcome_unknown(
    answer: bytes,
) -> None:
    failure = await failure_of(answering(answer))

    assert type(failure) is HttpOutcomeUnknown


async def test_a_silent_server_leaves_the_outcome_unknown() -> None:
    failure = await failure_of(hang, timeout=0.3)

    assert type(failure) is HttpOutcomeUnknown


async def test_a_failure_says_nothing_of_the_query_and_chains_nothing_that_does() -> None:
    failure = await failure_of(answering(b""))

    assert CANARY not in str(failure)
    assert failure.__cause__ is None
    assert failure.__context__ is None


async def test_a_get_on_a_connection_that_broke_is_not_sent_again() -> None:
    async def answer_once(peer: object) -> None:
        await peer.read()  # type: ignore[attr-defined]  # a Peer
        await peer.write(OK)  # type: ignore[attr-defined]  # a Peer
        await peer.read()  # type: ignore[attr-defined]  # a Peer

    async with raw_server(answer_once) as server, AiohttpHttp() as http:
        await http.send(get(server.url))

        with pytest.raises(HttpOutcomeUnknown):
            await http.send(get(server.url))

        assert len(server.requests) == 2


async def test_twenty_calls_in_a_row_use_one_connection() -> None:
    async with raw_server(answering(OK, then_close=False)) as server, AiohttpHttp() as http:
        for _ in range(20):
            assert (await http.send(get(server.url))).body == b"ok"

        assert (server.connections, len(server.requests)) == (1, 20)


async def test_480_cancellations_do_not_leak_the_pool() -> None:
    answers = False

    async def script(peer: object) -> None:
        await peer.read()  # type: ignore[attr-defined]  # a Peer
        if answers:
            await peer.write(OK)  # type: ignore[attr-defined]  # a Peer
        await peer.reader.read()  # type: ignore[attr-defined]  # a Peer

    async with raw_server(script) as server, AiohttpHttp(pool=3) as http:
        for _ in range(40):
            tasks = [asyncio.ensure_future(http.send(get(server.url))) for _ in range(12)]
            await asyncio.sleep(0.002)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        answers = True

        assert (await http.send(get(server.url))).status == 200


async def test_the_bytes_of_path_query_and_body_go_out_as_given() -> None:
    async with raw_server(answering(OK)) as server, AiohttpHttp() as http:
        await http.send(
            HttpRequest(
                method="POST",
                url=f"{server.url}/a%20b%7Cc%2F?Sig=a%2Fb&x=%7E&t=10%3A00",
                headers={"host": "example.test", "x-one": "1"},
                body=b"\x00raw",
            )
        )

        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /a%20b%7Cc%2F?Sig=a%2Fb&x=%7E&t=10%3A00 HTTP/1.1"
        assert sorted(line.lower() for line in lines[1:]) == [
            b"accept-encoding: identity",
            b"content-length: 4",
            b"host: example.test",
            b"x-one: 1",
        ]
        assert body == b"\x00raw"


async def test_nothing_is_added_to_a_request_without_headers_and_body() -> None:
    async with raw_server(answering(OK)) as server, AiohttpHttp() as http:
        await http.send(HttpRequest(method="POST", url=f"{server.url}/"))

        lines = server.requests[0].rstrip().split(b"\r\n")
        assert sorted(line.lower() for line in lines[1:]) == [
            b"accept-encoding: identity",
            b"content-length: 0",
            b"host: " + server.url.removeprefix("http://").encode(),
        ]


async def test_a_redirect_is_returned_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(answering(moved)) as server, AiohttpHttp() as http:
        response = await http.send(get(server.url))

        assert (response.status, response.headers["location"]) == (302, "/elsewhere")
        assert len(server.requests) == 1


async def test_a_cookie_is_not_sent_back() -> None:
    answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(answering(answer, then_close=False)) as server, AiohttpHttp() as http:
        await http.send(get(server.url))
        await http.send(get(server.url))

        assert b"cookie" not in server.requests[1].lower()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with raw_server(answering(OK)) as server, AiohttpHttp() as http:
        assert (await http.send(get(server.url))).status == 200


async def test_a_session_that_is_not_open_sends_nothing() -> None:
    with pytest.raises(InvariantBroken):
        await AiohttpHttp().send(get("http://127.0.0.1:9/"))


@pytest.mark.parametrize("url", ["", "not a url", "http://", "/path"])
async def test_what_is_not_a_url_is_not_sent(url: str) -> None:
    async with AiohttpHttp() as http:
        with pytest.raises(HttpNotSent):
            await http.send(get(url))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # nothing listens here
        ("10.0.0.1", False),
        ("100.100.100.200", False),
        ("169.254.169.254", False),
        ("192.0.0.192", False),
        ("198.18.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("::", False),
        ("::1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("not an address", False),
    ],
)
def test_only_public_addresses_are_public(address: str, expected: bool) -> None:
    assert is_public(address) is expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "[::]", "100.100.100.200"]
)
async def test_a_callback_to_the_inside_is_never_connected(host: str) -> None:
    async with raw_server(answering(OK)) as server, AiohttpHttp(egress=PublicOnly()) as http:
        with pytest.raises(HttpNotSent):
            await http.send(get(f"https://{host}/"))

        assert server.connections == 0


async def test_a_guarded_socket_is_refused_even_where_the_url_would_be_allowed() -> None:
    class AnyUrl(PublicOnly):
        def allows(self, *, scheme: str, port: int | None) -> bool:
            return bool(scheme and port)

    async with raw_server(answering(OK)) as server, AiohttpHttp(egress=AnyUrl()) as http:
        with pytest.raises(HttpNotSent):
            await http.send(get(server.url))
        with pytest.raises(HttpNotSent):
            await http.send(get(server.url.replace("127.0.0.1", "localhost")))

        assert server.connections == 0


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://8.8.8.8:8443/", "ftp://8.8.8.8/"])
async def test_a_callback_is_https_on_its_own_port_only(url: str) -> None:
    async with AiohttpHttp(egress=PublicOnly()) as http:
        with pytest.raises(HttpNotSent):
            await http.send(get(url))


async def test_local_mode_may_call_loopback_and_still_nothing_else_inside() -> None:
    egress = UnsafeLoopbackEgress()
    async with raw_server(answering(OK)) as server, AiohttpHttp(egress=egress) as http:
        assert (await http.send(get(server.url))).status == 200

        with pytest.raises(HttpNotSent):
            await http.send(get("http://169.254.169.254/latest/", timeout=1.0))
