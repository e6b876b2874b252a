"""A connection to a server that is new enough, with JetStream on; and what must stand there."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError, ServiceUnavailableError

from keylease.adapters.nats.errors import code_of, translated
from keylease.adapters.nats.layout import Layout, consumer_differences, stream_differences
from keylease.domain.secret import Secret
from keylease.errors import Misconfigured

log = structlog.get_logger(__name__)

OLDEST = (2, 12)
"""The first server that knows scheduled messages."""
ANSWERS_WITHIN = timedelta(seconds=5)
STARTS_WITHIN = timedelta(seconds=10)
RECONNECT_AFTER = timedelta(seconds=0.25)


@dataclass(frozen=True, slots=True)
class Login:
    """How we prove who we are: nothing, a user with a password, a token, or a credentials file."""

    user: str | None = None
    password: Secret | None = field(default=None, repr=False)
    token: Secret | None = field(default=None, repr=False)
    credentials: Secret | None = field(default=None, repr=False)
    """The text of a `.creds` file: a JWT and the seed of its key."""

    def options(self) -> dict[str, Any]:
        """As the client takes them.

        Raises:
            Misconfigured: the credentials are not what such a file holds.
        """
        if self.credentials is not None:
            return _signed(self.credentials)
        if self.token is not None:
            return {"token": self.token.reveal()}
        if self.user is None:
            return {}
        return {"user": self.user, "password": self.password.reveal() if self.password else ""}


@dataclass(frozen=True, slots=True)
class Jet:
    """An open connection, and what must stand on the server."""

    client: Client
    js: JetStreamContext
    layout: Layout
    creates: bool = True
    """Whether streams and consumers that are missing are made."""

    @property
    def is_there(self) -> bool:
        return self.client.is_connected

    @property
    def described(self) -> str:
        """For a person who looks after it."""
        version = self.client.connected_server_version
        found = f"{version.major}.{version.minor}.{version.patch}"
        return f"NATS {found}, stream {self.layout.stream}, replicas {self.layout.replicas}"

    async def ensure_streams(self) -> None:
        """Make what is missing, and hold what is there against what it must be.

        Raises:
            Misconfigured: something is missing or differs; names each field.
            ProviderTransient: the server is away.
        """
        for wanted in self.layout.streams():
            with translated():
                live = await self._stream(wanted)
            _same(f"stream {wanted.name}", stream_differences(wanted, live), verb="stream")

    async def ensure_consumer(self, stream: str, wanted: ConsumerConfig, /) -> None:
        """The same for one consumer."""
        name = str(wanted.durable_name)
        with translated():
            live = await self._consumer(stream, name, wanted)
        what = f"consumer {name} of stream {stream}"
        _same(what, consumer_differences(wanted, live), verb="consumer")

    async def _stream(self, wanted: StreamConfig) -> StreamConfig:
        name = str(wanted.name)
        try:
            return (await self.js.stream_info(name)).config
        except NotFoundError as e:
            if not self.creates:
                msg = f"nats: stream {name} is not there; make it, or set nats.creates to true"
                raise Misconfigured(msg) from e
        log.info("bus.stream_made", stream=name)
        try:
            return (await self.js.add_stream(wanted)).config
        except NotFoundError:
            raise
        except Error as e:
            msg = f"nats: stream {name} cannot be made ({code_of(e)}: {_said(e)})"
            raise Misconfigured(msg) from e

    async def _consumer(self, stream: str, name: str, wanted: ConsumerConfig) -> ConsumerConfig:
        try:
            info: ConsumerInfo = await self.js.consumer_info(stream, name)
        except NotFoundError as e:
            if not self.creates:
                msg = f"nats: consumer {name} of stream {stream} is not there; make it, or set"
                raise Misconfigured(f"{msg} nats.creates to true") from e
        else:
            return info.config
        log.info("bus.consumer_made", stream=stream, consumer=name)
        try:
            return (await self.js.add_consumer(stream, wanted)).config
        except BadRequestError as e:
            msg = f"nats: consumer {name} of stream {stream} cannot be made"
            raise Misconfigured(f"{msg} ({code_of(e)}: {_said(e)})") from e


@asynccontextmanager
async def connected(
    servers: tuple[str, ...], /, *, login: Login, layout: Layout, creates: bool = True
) -> AsyncIterator[Jet]:
    """Open it, check the server and the streams; close it at the end.

    Raises:
        Misconfigured: nobody answers, or who answers is not what we need.
    """
    client = await _opened(servers, login)
    try:
        js = client.jetstream(timeout=ANSWERS_WITHIN.total_seconds())
        await _check(client, js)
        jet = Jet(client=client, js=js, layout=layout, creates=creates)
        await jet.ensure_streams()
        yield jet
    finally:
        with suppress(OSError):  # it says so when the server has gone just now
            await client.close()


async def _opened(servers: tuple[str, ...], login: Login) -> Client:
    heard = list[str]()

    async def error(e: Exception) -> None:
        words = _said(e)
        if words not in heard:  # a server that is away says the same four times a second
            log.warning("bus.trouble", reason=words)
            heard[:] = [*heard[-3:], words]

    client = Client()

    async def away() -> None:
        if not client.is_closed:
            log.warning("bus.away")

    async def back() -> None:
        heard.clear()
        log.info("bus.back")

    options = login.options()
    try:
        async with asyncio.timeout(STARTS_WITHIN.total_seconds()):
            await client.connect(
                list(servers),
                name="keylease",
                error_cb=error,
                disconnected_cb=away,
                reconnected_cb=back,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_AFTER.total_seconds(),  # type: ignore[arg-type]  # sleeps
                **options,
            )
    except (TimeoutError, OSError, Error) as e:
        why = f" ({'; '.join(heard)})" if heard else ""
        msg = f"nats: no server of {', '.join(servers)} lets us in{why}; see nats.servers"
        raise Misconfigured(msg) from e
    return client


async def _check(client: Client, js: JetStreamContext) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < OLDEST:
        found = f"{version.major}.{version.minor}.{version.patch}"
        msg = f"nats: the server is {found}, and {OLDEST[0]}.{OLDEST[1]} is the oldest that will do"
        raise Misconfigured(f"{msg}; install a newer one")
    try:
        await js.account_info()
    except (NoRespondersError, ServiceUnavailableError) as e:
        msg = "nats: JetStream is off on this server or for this user; switch it on"
        raise Misconfigured(msg) from e
    except (Error, OSError, TimeoutError) as e:
        raise Misconfigured(f"nats: the server does not answer ({code_of(e)})") from e


def _same(what: str, differences: tuple[str, ...], /, *, verb: str) -> None:
    if differences:
        msg = f"nats: {what}: {'; '.join(differences)}; change it (nats {verb} edit), or delete it"
        raise Misconfigured(
            f"{msg}: keylease makes it anew, and what was in it stands in the store"
        )


def _said(e: Exception) -> str:
    """The server's words about us; they hold no secret."""
    return str(getattr(e, "description", "") or e).removeprefix("nats: ").strip("'")


def _signed(credentials: Secret) -> dict[str, Any]:
    """The client's own reader of such a file needs one more package."""
    jwt, key = _parts(credentials)

    def sign(nonce: str) -> bytes:
        return base64.b64encode(key.sign(nonce.encode()))

    return {"user_jwt_cb": jwt.encode, "signature_cb": sign}


def _parts(credentials: Secret) -> tuple[str, Ed25519PrivateKey]:
    lines = [line.strip() for line in credentials.reveal().splitlines()]
    words = [line for line in lines if line and not line.startswith("---")]
    seeds = [line for line in words if line.startswith("SU")]
    tokens = [line for line in words if line.startswith("ey")]
    try:
        (jwt,), (seed,) = tokens, seeds
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        return jwt, Ed25519PrivateKey.from_private_bytes(raw[2:34])
    except ValueError as e:
        msg = "nats.credentials: not a credentials file; it holds a JWT and a seed that begins SU"
        raise Misconfigured(msg) from e
