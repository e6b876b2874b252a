"""A server that costs its client as little as possible: one fixed answer on a raw protocol.

    python tests/benchmarks/fast_server.py FOLDER

prints `ready PORT TLS_PORT` and serves until its standard input ends. FOLDER receives `cert.pem`,
signed by itself.
"""

import asyncio
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BODY = (
    b'{"requestId":"0B6EAE5B-7C4D-5B8E-9B0A-6B1E0C1D2E3F","code":"200","success":true,'
    b'"httpStatusCode":200,"data":{"instanceId":"rmq-cn-demo0001","topicName":"orders",'
    b'"messageType":"NORMAL","regionId":"cn-hangzhou","status":"RUNNING","remark":"",'
    b'"createTime":"2026-01-01 00:00:00","updateTime":"2026-01-01 00:00:00"}}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class Fixed(asyncio.Protocol):
    """Answers every GET; a request is over when its head is."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        if self._transport is not None:
            self._transport.write(ANSWER * len(heads))


def certificate(folder: Path, /) -> ssl.SSLContext:
    """Make a certificate for 127.0.0.1, leave it in the folder, and serve with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    today = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=3650))
        .not_valid_after(today + timedelta(days=3650))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def main(folder: Path, /) -> None:
    loop = asyncio.get_running_loop()
    context = certificate(folder)
    plain = await loop.create_server(Fixed, "127.0.0.1", 0)
    secure = await loop.create_server(Fixed, "127.0.0.1", 0, ssl=context)
    ports = (str(server.sockets[0].getsockname()[1]) for server in (plain, secure))
    sys.stdout.write(f"ready {' '.join(ports)}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))  # noqa: TID251  # a program owns its loop
